import BlobCore
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Who asks, and what he is told (GC-08, GC-09, GC-11).
@Suite(.timeLimit(.minutes(10))) struct GCSTokenTests {
    /// The credentials of the machine whose account `identity` is.
    private func machine(_ identity: GoogleIdentity) -> GCSFixture.Settings {
        var settings = GCSFixture.Settings()
        settings.environment.variables["GCE_METADATA_HOST"] = identity.metadataHost
        settings.configure = { $0.identity = .applicationDefault(file: nil) }
        return settings
    }

    @Test(
        arguments: [
            "serviceAccount", "authorizedUser", "externalAccountFile", "externalAccountURL",
        ])
    func `everybody whom Google knows reads and writes`(_ file: String) async throws {
        let server = try await CloudTestServer.shared(.gcs)
        var settings = GCSFixture.Settings()
        settings.identity = try await server.googleIdentity()
        settings.file = file
        try await GCSFixture.with(settings) { fixture in
            try await GCSOperation.putParts.run(fixture)
        }
    }

    @Test(arguments: GCSOperation.allCases)
    func `GC-08 a token that ended early is fetched anew, once`(
        _ operation: GCSOperation
    ) async throws {
        let server = try await CloudTestServer.shared(.gcs)
        let identity = try await server.googleIdentity()
        try await GCSFixture.with(machine(identity)) { fixture in
            try await operation.run(fixture) {
                // There is one, and it ends before its time.
                await #expect(throws: BlobError.self) {
                    try await fixture.backend.head(fixture.uri("nothing"))
                }
                try await server.revokeTokens(name: identity.name)
            }
            let refused = try await server.requests(fixture.prefix).filter { $0.status == 401 }
            #expect(!refused.isEmpty)
            let fetched = try await server.requests("/token", listener: identity.name)
            // On a crowded machine the metadata service is asked again when it is late.
            #expect(fetched.count >= 2, "\(fetched.map(\.target))")
        }
    }

    @Test(arguments: [GCSOperation.head, .read, .put, .list, .copy, .putInOrder, .upload])
    func `GC-08 a token that is refused again is an error`(
        _ operation: GCSOperation
    ) async throws {
        try await GCSFixture.with { fixture in
            let kind = operation.requests[0]
            let before = try await fixture.requests(kind).count
            let error = await expectError(.backendAuthentication) {
                try await operation.run(fixture) {
                    _ = try await fixture.fault(kind, ["status": 401], times: 100)
                }
            }
            #expect(try await fixture.requests(kind).count - before == 2)
            #expect(error?.message.contains("does not accept the server's credentials") == true)
        }
    }

    @Test func `CM-07 each attempt has the token of its time`() async throws {
        var settings = GCSFixture.Settings()
        let server = try await CloudTestServer.shared(.gcs)
        let credentials = NumberedTokens(
            tokens: [
                "wrong0", "wrong1", try await server.accessToken(name: "admin"),
            ])
        settings.credentials = credentials
        try await GCSFixture.with(settings) { fixture in
            _ = try await fixture.fault(.put, ["status": 503], times: 2)
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            #expect(try await fixture.requests(.put).count == 3)
            #expect(credentials.count == 3)
        }
    }

    /// GC-11: tokens that we sign ourselves say what the time is.
    @Test(arguments: [-86_400, -4000, 3600, 86_400])
    func `GC-11 a clock that is wrong is set by the service`(_ seconds: Int64) async throws {
        var settings = GCSFixture.Settings()
        settings.clock = WallClock {
            Timestamp(milliseconds: WallClock.system.now().milliseconds &+ seconds &* 1000)
        }
        try await GCSFixture.with(settings) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            #expect(try await fixture.requests(.put).map(\.status) == [401, 200])
            // From then on it is right, also for URLs.
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "x"))
            #expect(try await fixture.requests(.get).map(\.status) == [206])
            let url = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: 60))
            #expect(try await Curl.send(url.url).status == 200)
        }
    }

    @Test func `GC-09 who may not list is not told that a blob is missing`() async throws {
        let server = try await CloudTestServer.shared(.gcs)
        var settings = GCSFixture.Settings()
        settings.identity = try await server.googleIdentity(role: "getter")
        try await GCSFixture.with(settings) { fixture in
            for error in [
                await expectError(.permissionDenied) {
                    _ = try await fixture.backend.head(fixture.uri("missing"))
                },
                await expectError(.permissionDenied) {
                    _ = try await fixture.backend.get(fixture.uri("missing"))
                },
            ] { #expect(error?.message.contains("or the blob does not exist") == true) }
            try await fixture.put("blob", Bytes(utf8: "x"))
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "x"))
        }
    }

    @Test(arguments: [GCSOperation.put, .putParts, .putInOrder, .delete, .upload, .copy])
    func `who may only read is told so`(_ operation: GCSOperation) async throws {
        let server = try await CloudTestServer.shared(.gcs)
        var settings = GCSFixture.Settings()
        settings.identity = try #require(server.description.google).reader
        try await GCSFixture.with(settings) { fixture in
            await expectError(.permissionDenied) { try await operation.run(fixture) }
        }
    }

    @Test func `GC-09 a missing bucket is no missing blob`() async throws {
        try await GCSFixture.with { fixture in
            let backend = fixture.backend
            let gone = BlobURI(scheme: .gs, container: "no-such-bucket", key: "k")
            try await fixture.put("blob", Bytes(utf8: "x"))
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await backend.head(gone) }, { _ = try await backend.get(gone) },
                { _ = try await backend.put(gone, Bytes(utf8: "x")) },
                { _ = try await backend.put(gone, GCSOperation.large) },
                {
                    let options = PutOptions(condition: .createOnly)
                    _ = try await backend.put(gone, GCSOperation.large, options: options)
                },
                {
                    let options = PutOptions(condition: .ifMatch(etag: "\"x\""))
                    _ = try await backend.put(gone, Bytes(utf8: "x"), options: options)
                },
                { _ = try await backend.delete(gone) },
                { _ = try await backend.list(gone, options: ListOptions()) },
                {
                    _ = try await backend.copy(
                        from: gone, to: fixture.uri("to"), options: CopyOptions())
                },
                {
                    _ = try await backend.copy(
                        from: fixture.uri("blob"), to: gone, options: CopyOptions())
                },
                {
                    _ = try await backend.createMultipartUpload(gone, options: MultipartOptions())
                },
            ]
            for (index, call) in calls.enumerated() {
                let error = await expectError(.containerNotFound) { try await call() }
                #expect(error?.uri == gone.description, "\(index)")
            }
        }
    }

    @Test func `nobody reads what is public, and nothing else`() async throws {
        let server = try await CloudTestServer.start(.gcs)
        defer { server.stop() }
        var settings = GCSFixture.Settings()
        settings.server = server
        settings.configure = { $0.identity = .anonymous }
        try await GCSFixture.with(settings) { fixture in
            try await fixture.put("blob", Bytes(utf8: "public"))
            await expectError(.permissionDenied, .backendAuthentication) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            try await server.call(
                "setAnonymous",
                ["permissions": ["storage.objects.get", "storage.objects.list"]])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "public"))
            await expectError(.notFound) {
                _ = try await fixture.backend.head(fixture.uri("missing"))
            }
            await expectError(.permissionDenied, .backendAuthentication) {
                try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            }
            await expectError(.presign) {
                _ = try await fixture.backend.presignGet(
                    fixture.uri("blob"), options: PresignOptions())
            }
            let requests = try await fixture.requests(.get)
            #expect(requests.allSatisfy { $0.headers["authorization"] == nil })
        }
    }

    @Test func `CM-08 no error tells a token, a session or a URL`() async throws {
        try await GCSFixture.with { fixture in
            var messages: [String] = []
            for operation in GCSOperation.allCases {
                for kind in operation.requests {
                    let parts: [String: JSONValue] = ["status": 400, "code": "InvalidArgument"]
                    let fault = try await fixture.fault(kind, parts, times: 100)
                    let error = await expectError(.invalidArgument) {
                        try await operation.run(fixture)
                    }
                    try await fixture.server.remove(fault)
                    messages.append(error.map { "\($0)" } ?? "")
                    for key in ["blob", "second", "new"] {
                        try? await fixture.server.delete(fixture.uri(key).key)
                    }
                }
            }
            let sessions = try await fixture.requests(.append).compactMap {
                $0.target.split(separator: "=").last.map(String.init)
            }
            let token = try await fixture.backend.service.credentials?.credentials().token
            for message in messages {
                for secret in sessions + [try #require(token), "upload_id", "http://", "Bearer"] {
                    #expect(!message.contains(secret), "\(message)")
                }
            }
        }
    }
}

/// Tokens in order, a new one each time.
private final class NumberedTokens: CredentialSource {
    private let tokens: [String]
    private let taken = Mutex(0)

    init(tokens: [String]) { self.tokens = tokens }

    var count: Int { taken.withLock { $0 } }

    func credentials() async throws(BlobError) -> GoogleCredentials {
        taken.withLock { taken in
            defer { taken += 1 }
            return GoogleCredentials(
                token: tokens[min(taken, tokens.count - 1)], expiresAt: nil,
                signing: .none("nobody signs here"))
        }
    }

    func invalidate(_ refused: GoogleCredentials) {}

    func close() {}
}
