import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Our backend on one of the real servers, with a place in its bucket that no other test uses.
struct S3Fixture: Sendable {
    let server: S3TestServer
    let backend: S3Backend
    /// The backend itself, or a client of a server that has one of its own.
    let store: any BlobStore
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    var kind: S3TestServer.Kind { server.description.kind }
    var bucket: String { server.description.bucket }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .s3, container: bucket, key: "\(prefix)/\(key)")
    }

    /// What the server has in our place, by the other client.
    func keys() async throws -> [String] {
        try await server.keys(prefix: prefix + "/").map { String($0.dropFirst(prefix.count + 1)) }
    }

    /// How many uploads are open in our place, by the other client.
    func openUploadCount() async throws -> Int {
        try await server.uploads(prefix: prefix).count
    }

    /// Expects that all uploads were completed or given up once the backend is closed.
    func expectNothingHalfOpen(
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        // Closing waits for what goes on in the background.
        await backend.close()
        let count = try await openUploadCount()
        #expect(count == 0, sourceLocation: sourceLocation)
        #expect(
            backend.store.memory.freeByteCount == backend.store.memory.byteCount,
            sourceLocation: sourceLocation)
    }

    /// Expects nothing visible and nothing half-open.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await expectNothingHalfOpen(sourceLocation: sourceLocation)
        let keys = try await keys()
        #expect(keys == [], sourceLocation: sourceLocation)
    }

    /// Runs `body` with a backend that has all rights, and closes the backend however it ends.
    static func with(
        _ kind: S3TestServer.Kind, environment: CredentialEnvironment = .process,
        policy: RetryPolicy = RetryPolicy(),
        clock: WallClock = .system, configure: (inout S3Configuration) -> Void = { _ in },
        _ body: (S3Fixture) async throws -> Void
    ) async throws {
        let server = try await S3TestServer.shared(kind)
        var configuration = S3Configuration(of: server)
        configure(&configuration)
        let pool = BlockingPool(name: "s3-test", threadCount: 2)
        defer { pool.shutdown() }
        let backend = try S3Backend(
            configuration: configuration, blockingPool: pool, environment: environment,
            engineSettings: HTTPEngineSettings(), policy: policy, clock: clock)
        let fixture = S3Fixture(
            server: server, backend: backend, store: backend, prefix: server.freshPrefix())
        do {
            try await body(fixture)
        } catch {
            await backend.close()
            throw error
        }
        await backend.close()
    }

    /// Runs `body` with `store` reached by `route`.
    static func with(
        _ kind: S3TestServer.Kind, _ route: S3Route, _ body: (S3Fixture) async throws -> Void
    ) async throws {
        try await with(kind) { fixture in
            guard route == .socket else { return try await body(fixture) }
            let server = try TestServer(s3: S3Configuration(of: fixture.server))
            try await server.withClient { client in
                try await body(
                    S3Fixture(
                        server: fixture.server, backend: fixture.backend, store: client,
                        prefix: fixture.prefix))
            }
        }
    }
}

/// How a test reaches the store.
enum S3Route: String, CaseIterable {
    case direct
    case socket
}
