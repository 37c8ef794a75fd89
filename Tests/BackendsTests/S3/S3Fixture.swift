import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends

/// Our backend on one of the real servers, with a place in its bucket that no other test uses.
struct S3Fixture: Sendable {
    let server: S3TestServer
    let backend: S3Backend
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

    /// Runs `body` with a backend that has all rights, and closes the backend however it ends.
    static func with<Result: Sendable>(
        _ kind: S3TestServer.Kind, policy: RetryPolicy = RetryPolicy(),
        clock: WallClock = .system, configure: (inout S3Configuration) -> Void = { _ in },
        _ body: (S3Fixture) async throws -> Result
    ) async throws -> Result {
        let server = try await S3TestServer.shared(kind)
        var configuration = S3Configuration(of: server)
        configure(&configuration)
        let pool = BlockingPool(name: "s3-test", threadCount: 2)
        defer { pool.shutdown() }
        let backend = try S3Backend(
            configuration: configuration, blockingPool: pool, environment: .process,
            engineSettings: HTTPEngineSettings(), policy: policy, clock: clock)
        let fixture = S3Fixture(
            server: server, backend: backend, prefix: server.freshPrefix())
        do {
            let result = try await body(fixture)
            await backend.close()
            return result
        } catch {
            await backend.close()
            throw error
        }
    }
}
