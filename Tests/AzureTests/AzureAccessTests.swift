import BlobCore
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Who may do what, and what becomes of credentials and clocks that are wrong.
@Suite(.timeLimit(.minutes(10))) struct AzureAccessTests {
    private func settings(_ principal: AzurePrincipal) -> AzureFixture.Settings {
        AzureFixture.Settings(
            isSecure: true,
            configure: { configuration in
                configuration.identity = .clientSecret(
                    tenantID: principal.tenantID, clientID: principal.clientID,
                    secret: principal.clientSecret)
                configuration.authorityHost = principal.authorityHost
            })
    }

    @Test func `CM-09 who may only read is refused everything else, by its own name`()
        async throws
    {
        let server = try await CloudTestServer.shared(.azure)
        let reader = try #require(server.description.azure?.reader)
        try await AzureFixture.with(settings(reader)) { fixture in
            let key = fixture.key("blob")
            try await server.put(key, Bytes(utf8: "x"))
            let uri = fixture.uri("blob")
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "x"))
            #expect(try await fixture.backend.head(uri).byteCount == 1)
            await expectError(.permissionDenied) {
                try await fixture.backend.put(uri, Bytes(utf8: "y"))
            }
            await expectError(.permissionDenied) { try await fixture.backend.delete(uri) }
            let outcomes = try await fixture.backend.delete(
                [uri, fixture.uri("other")], options: CallOptions())
            for outcome in outcomes {
                await expectError(.permissionDenied) { _ = try outcome.get() }
            }
            #expect(try await server.get(key) == Bytes(utf8: "x"))
        }
    }

    @Test func `AZ-13 a user's URL allows no more than he may himself`() async throws {
        let server = try await CloudTestServer.shared(.azure)
        let reader = try #require(server.description.azure?.reader)
        try await AzureFixture.with(settings(reader)) { fixture in
            try await server.put(fixture.key("blob"), Bytes(utf8: "x"))
            let uri = fixture.uri("blob")
            let options = ["--cacert", server.description.certificateAuthorityFile]
            let get = try await fixture.backend.presignGet(uri, options: PresignOptions())
            #expect(try await Curl.send(get.url, options: options).status == 200)
            let delete = try await fixture.backend.presign(.delete, uri, options: PresignOptions())
            #expect(
                try await Curl.send(delete.url, method: "DELETE", options: options).status == 403)
        }
    }

    @Test func `CM-08 a wrong key says what to check, and never shows itself`() async throws {
        let wrong = "d3Jvbmcga2V5IG9mIHRoZSB0ZXN0"
        try await AzureFixture.with(configure: { $0.identity = .accountKey(wrong) }) { fixture in
            for action in [
                { _ = try await fixture.backend.head(fixture.uri("blob")) },
                { _ = try await fixture.backend.get(fixture.uri("blob")) },
                { try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x")) },
            ] as [@Sendable () async throws -> Void] {
                let error = await expectError(.backendAuthentication, from: action)
                #expect(error?.message.contains("AuthenticationFailed") == true)
                #expect(!"\(String(describing: error))".contains(wrong))
            }
            let found = try await fixture.requests(.head).count
            #expect(found == 1)
        }
    }

    @Test(arguments: [-3600, 3600], [AzureFixture.Identity.key])
    func `S3-17 AZ-11 a wrong clock is put right once, also for signed URLs`(
        seconds: Int64, identity: AzureFixture.Identity
    ) async throws {
        let clock = WallClock {
            Timestamp(milliseconds: WallClock.system.now().milliseconds + seconds * 1000)
        }
        var settings = AzureFixture.Settings(identity: identity)
        settings.clock = clock
        try await AzureFixture.with(settings) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "x"))
            #expect(try await fixture.requests(.put).map(\.status) == [403, 201])
            #expect(try await fixture.requests(.get).map(\.status) == [206])
            let url = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: 60))
            #expect(try await Curl.send(url.url).status == 200)
            let end = try #require(url.expiresAt).milliseconds
            #expect(abs(end - WallClock.system.now().milliseconds - 60_000) < 30_000)
        }
    }

    @Test func `S3-17 AZ-11 a HEAD that is refused for a wrong clock tells, too`() async throws {
        let clock = WallClock {
            Timestamp(milliseconds: WallClock.system.now().milliseconds - 3_600_000)
        }
        var settings = AzureFixture.Settings()
        settings.clock = clock
        try await AzureFixture.with(settings) { fixture in
            await expectError(.notFound) {
                _ = try await fixture.backend.head(fixture.uri("blob"))
            }
            let found = try await fixture.requests(.head).map(\.status)
            #expect(found == [403, 404])
        }
    }

    @Test func `S3-18 a token that was revoked is fetched anew, once`() async throws {
        let server = try await CloudTestServer.shared(.azure)
        let principal = try await server.azurePrincipal()
        try await AzureFixture.with(settings(principal)) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            try await server.revokeTokens(name: principal.name)
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "x"))
            #expect(try await fixture.requests(.get).map(\.status) == [401, 206])
            let fetches = try await server.requests("^POST ", listener: principal.name)
            #expect(fetches.count == 2)
        }
    }

    @Test func `S3-18 a token that is always refused is no loop`() async throws {
        let credentials = ExpiredTokens()
        var settings = AzureFixture.Settings(isSecure: true)
        settings.credentials = credentials
        try await AzureFixture.with(settings) { fixture in
            await expectError(.backendAuthentication) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            let found = try await fixture.requests(.get).map(\.status)
            #expect(found == [401, 401])
            #expect(credentials.invalidationCount == 1)
        }
    }

    @Test func `AZ-14 a token is not sent over plain HTTP`() async throws {
        var settings = AzureFixture.Settings()
        settings.credentials = ExpiredTokens()
        try await AzureFixture.with(settings) { fixture in
            let error = await expectError(.backendAuthentication) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(error?.message.contains("https") == true)
            let found = try await fixture.requests(.get)
            #expect(found.isEmpty)
        }
    }

    @Test func `CM-09 AZ-11 a missing container is not a missing blob`() async throws {
        try await AzureFixture.with { fixture in
            let uri = BlobURI(scheme: .az, container: "no-such-container", key: "blob")
            for action in [
                { _ = try await fixture.backend.head(uri) },
                { _ = try await fixture.backend.get(uri) },
                { try await fixture.backend.put(uri, Bytes(utf8: "x")) },
                { try await fixture.backend.delete(uri) },
                { _ = try await fixture.backend.list(uri, options: ListOptions()) },
            ] as [@Sendable () async throws -> Void] {
                await expectError(.containerNotFound, from: action)
            }
        }
    }

    @Test func `CM-13 AZ-01 names that Azure cannot have are refused before anything is sent`()
        async throws
    {
        try await AzureFixture.with(configure: { configuration in
            configuration.endpoint = "http://127.0.0.1:1/account"
        }) { fixture in
            for (container, key) in [
                ("a", "k"), ("Upper", "k"), ("double--hyphen", "k"), ("-a-", "k"), ("dots.no", "k"),
                ("fine", String(repeating: "x", count: 1025)),
            ] {
                let uri = BlobURI(scheme: .az, container: container, key: key)
                await expectError(.invalidURI) { _ = try await fixture.backend.head(uri) }
                await expectError(.invalidURI) {
                    try await fixture.backend.put(uri, Bytes(utf8: "x"))
                }
                await expectError(.invalidURI) {
                    _ = try await fixture.backend.createMultipartUpload(
                        uri, options: MultipartOptions())
                }
            }
        }
    }
}

/// Gives a token that nobody takes.
private final class ExpiredTokens: CredentialSource {
    private let count = Mutex(0)
    var invalidationCount: Int { count.withLock { $0 } }

    func credentials() async throws(BlobError) -> AzureCredentials {
        guard
            let token = AzureCredentials.token(
                "expired-token", expiresAt: Timestamp(milliseconds: .max))
        else { throw BlobError(.internal, "no token") }
        return token
    }

    func invalidate(_ refused: AzureCredentials) { count.withLock { $0 += 1 } }
    func close() {}
}
