import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Who may do what, and how that is told.
@Suite(.timeLimit(.minutes(10))) struct S3AccessTests {
    /// CM-09: a missing bucket is not a missing blob.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `CM-09 a bucket that does not exist`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let uri = BlobURI(scheme: .s3, container: fixture.server.freshPrefix(), key: "k")
            let store = fixture.backend
            await expectError(.containerNotFound) { _ = try await store.head(uri) }
            await expectError(.containerNotFound) { _ = try await store.get(uri) }
            await expectError(.containerNotFound) { try await store.put(uri, Bytes(utf8: "x")) }
            await expectError(.containerNotFound) { _ = try await store.listAll(uri) }
            await expectError(.containerNotFound) {
                _ = try await store.createMultipartUpload(uri, options: MultipartOptions())
            }
            await expectError(.containerNotFound) {
                let body = SeededBody(seed: 1, byteCount: 9 << 20).bytes
                try await store.put(uri, body)
            }
            await expectError(.notFound) { _ = try await store.head(fixture.uri("missing")) }
            await expectError(.notFound) { _ = try await store.get(fixture.uri("missing")) }
            await expectError(.notFound) {
                _ = try await store.get(fixture.uri("missing"), range: .suffix(0))
            }
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `keys that may only read`(_ kind: S3TestServer.Kind) async throws {
        let server = try await S3TestServer.shared(kind)
        let key = server.freshPrefix() + "/blob"
        try await server.put(key, Bytes(utf8: "x"))
        let keys = server.description.readOnly
        let identity = S3Configuration.Identity.keys(
            accessKeyID: keys.accessKeyID, secretAccessKey: keys.secretAccessKey,
            sessionToken: nil)
        try await S3Fixture.with(kind, configure: { $0.identity = identity }) { fixture in
            let store = fixture.backend
            let uri = BlobURI(scheme: .s3, container: fixture.bucket, key: key)
            #expect(try await store.get(uri) == Bytes(utf8: "x"))
            #expect(try await store.listAll(uri).map(\.uri) == [uri])
            await expectError(.permissionDenied) { try await store.put(uri, Bytes(utf8: "y")) }
            await expectError(.permissionDenied) { try await store.delete(uri) }
            await expectError(.permissionDenied) {
                _ = try await store.createMultipartUpload(uri, options: MultipartOptions())
            }
            await expectError(.permissionDenied) {
                _ = try await store.copy(
                    from: uri, to: fixture.uri("to"), options: CopyOptions())
            }
            let outcomes = try await store.delete([uri], options: CallOptions())
            await expectError(.permissionDenied) { _ = try outcomes[0].get() }
            // What is signed has no more rights than who signed it.
            let url = try await store.presignPut(uri, options: PresignOptions())
            #expect(try await Curl.send(url.url, body: Bytes(utf8: "y")).status == 403)
            #expect(try await store.get(uri) == Bytes(utf8: "x"))
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `wrong secrets and unknown keys are no missing permission`(
        _ kind: S3TestServer.Kind
    ) async throws {
        let server = try await S3TestServer.shared(kind)
        let secret = "wrong\(server.description.secretAccessKey.dropFirst(5))"
        let assumed = try await server.assumeRole()
        for identity in [
            S3Configuration.Identity.keys(
                accessKeyID: server.description.accessKeyID, secretAccessKey: secret,
                sessionToken: nil),
            .keys(accessKeyID: "AKIAUNKNOWN", secretAccessKey: secret, sessionToken: nil),
            .keys(
                accessKeyID: assumed.accessKeyID, secretAccessKey: secret,
                sessionToken: assumed.sessionToken),
            .keys(
                accessKeyID: assumed.accessKeyID, secretAccessKey: assumed.secretAccessKey,
                sessionToken: nil),
        ] {
            try await S3Fixture.with(kind, configure: { $0.identity = identity }) { fixture in
                let uri = fixture.uri("blob")
                for attempt in 0..<3 {
                    let error = await expectError(.backendAuthentication) {
                        switch attempt {
                        case 0: try await fixture.backend.put(uri, Bytes(utf8: "x"))
                        case 1: _ = try await fixture.backend.get(uri)
                        default: _ = try await fixture.backend.listAll(uri)
                        }
                    }
                    // CM-08
                    let text = "\(error.map { "\($0)" } ?? "")"
                    #expect(!text.contains(secret) && !text.contains("Signature="))
                    if let token = assumed.sessionToken { #expect(!text.contains(token)) }
                }
            }
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `nobody's requests are not signed, and these servers refuse them`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind, configure: { $0.identity = .anonymous }) { fixture in
            let uri = fixture.uri("blob")
            await expectError(.permissionDenied) {
                try await fixture.backend.put(uri, Bytes(utf8: "x"))
            }
            await expectError(.permissionDenied) { _ = try await fixture.backend.get(uri) }
            await expectError(.presign) {
                _ = try await fixture.backend.presignGet(uri, options: PresignOptions())
            }
        }
    }

    /// S3-17: the servers refuse what is signed an hour off, and say what time it is.
    @Test(arguments: S3TestServer.Kind.allCases, [-3600, 3600, 86_400])
    func `S3-17 a wrong clock is put right`(
        _ kind: S3TestServer.Kind, _ seconds: Int64
    ) async throws {
        let clock = WallClock {
            Timestamp(
                milliseconds: WallClock.system.now().milliseconds + seconds * 1000)
        }
        try await S3Fixture.with(kind, clock: clock) { fixture in
            let uri = fixture.uri("blob")
            // Several at once find out at the same time.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        try await fixture.backend.put(
                            fixture.uri("blob-\(index)"), Bytes(utf8: "x"))
                    }
                }
                try await group.waitForAll()
            }
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: 60))
            #expect(try await Curl.send(url.url).status == 200)
            let ahead =
                try #require(url.expiresAt).milliseconds - WallClock.system.now().milliseconds
            #expect((1_000...61_000).contains(ahead))
        }
    }
}
