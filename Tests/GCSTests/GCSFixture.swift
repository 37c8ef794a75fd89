import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Our backend on the oracle, with a place in its bucket that no other test uses.
struct GCSFixture: Sendable {
    let server: CloudTestServer
    let google: CloudTestServer.Google
    let backend: GCSBackend
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    static let partByteCount = 5 << 20

    /// Four attempts with hardly a pause.
    static let policy: RetryPolicy = {
        var policy = RetryPolicy()
        policy.maximumAttemptCount = 4
        policy.baseDelay = .milliseconds(1)
        policy.throttleBaseDelay = .milliseconds(1)
        policy.maximumDelay = .milliseconds(2)
        policy.maximumRetryAfter = .milliseconds(5)
        return policy
    }()

    static func timeouts(_ patience: Duration) -> CloudTimeouts {
        let timeouts = HTTPTimeouts(connect: .seconds(30), firstByte: patience, stall: patience)
        var long = timeouts
        long.minimumByteRate = 0
        return CloudTimeouts(usual: timeouts, long: long)
    }

    var bucket: String { server.description.bucket }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .gs, container: bucket, key: "\(prefix)/\(key)")
    }

    /// What the server has in our place, by the other client.
    func keys() async throws -> [String] {
        try await server.keys(prefix: prefix + "/").map { String($0.dropFirst(prefix.count + 1)) }
    }

    func openUploads() async throws -> [CloudTestServer.Upload] {
        try await server.uploads(prefix: prefix)
    }

    /// What is known of a blob, by the other client.
    func head(_ key: String) async throws -> CloudTestServer.Head? {
        try await server.head("\(prefix)/\(key)")
    }

    /// A blob by the other client; returns its generation.
    @discardableResult
    func put(_ key: String, _ bytes: Bytes) async throws -> String {
        try await server.put("\(prefix)/\(key)", bytes)
        return try #require(try await head(key)?.generation)
    }

    /// Uploads in order that are under way.
    func openSessionCount() async throws -> Int {
        struct Answer: Decodable, Sendable {
            struct Session: Decodable, Sendable { let key: String }
            let sessions: [Session]
        }
        let answer = try await server.call("sessions", ["prefix": .text(prefix)], as: Answer.self)
        return answer.sessions.count
    }

    /// The requests about our place that `kind` is about.
    func requests(_ kind: GCSRequest) async throws -> [CloudTestServer.Request] {
        try await server.requests(kind.pattern(prefix))
    }

    func fault(
        _ kind: GCSRequest, _ parts: [String: JSONValue], times: Int = 1, skip: Int = 0
    ) async throws -> CloudTestServer.Fault {
        try await server.fault(kind.pattern(prefix), parts, times: times, skip: skip)
    }

    /// Expects that all uploads were completed or given up once the backend is closed.
    func expectNothingHalfOpen(
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        // Closing waits for what goes on in the background.
        await backend.close()
        let uploads = try await openUploads()
        #expect(uploads.isEmpty, sourceLocation: sourceLocation)
        let count = try await openSessionCount()
        #expect(count == 0, sourceLocation: sourceLocation)
        #expect(
            backend.store.memory.freeByteCount == backend.store.memory.byteCount,
            sourceLocation: sourceLocation)
    }

    /// What a test may want otherwise.
    struct Settings {
        var environment = CredentialEnvironment(variables: [:], homeDirectory: "/nonexistent")
        var policy = GCSFixture.policy
        var clock = WallClock.system
        /// Long enough for a loaded machine.
        var timeouts = GCSFixture.timeouts(.seconds(300))
        var credentials: (any CredentialSource<GoogleCredentials>)?
        /// Whose file the configuration names; otherwise that of somebody with all rights.
        var identity: GoogleIdentity?
        var file = "serviceAccount"
        /// A server for this test alone, instead of the one for all.
        var server: CloudTestServer?
        var configure: (inout GCSConfiguration) -> Void = { _ in }
    }

    /// Runs `body` with a backend, and closes that however it ends.
    static func with(
        _ settings: Settings = Settings(), _ body: (GCSFixture) async throws -> Void
    ) async throws {
        let server =
            if let server = settings.server { server } else {
                try await CloudTestServer.shared(.gcs)
            }
        let google = try #require(server.description.google)
        var configuration = GCSConfiguration()
        configuration.endpoint = server.description.endpoint
        configuration.iamEndpoint = google.iamEndpoint
        let file = (settings.identity ?? google.admin).files[settings.file]
        configuration.identity = .applicationDefault(file: file)
        configuration.partByteCount = partByteCount
        settings.configure(&configuration)
        let pool = BlockingPool(name: "gcs-test", threadCount: 2)
        defer { pool.shutdown() }
        var engineSettings = HTTPEngineSettings()
        engineSettings.proxy = .none
        let backend = try GCSBackend(
            configuration: configuration, blockingPool: pool, environment: settings.environment,
            engineSettings: engineSettings, policy: settings.policy, clock: settings.clock,
            timeouts: settings.timeouts, credentials: settings.credentials)
        let fixture = GCSFixture(
            server: server, google: google, backend: backend, prefix: server.freshPrefix())
        do {
            try await body(fixture)
        } catch {
            await backend.close()
            throw error
        }
        await backend.close()
    }

    static func with(
        configure: @escaping (inout GCSConfiguration) -> Void,
        _ body: (GCSFixture) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.configure = configure
        try await with(settings, body)
    }
}

/// The kinds of requests that the backend makes, as the oracle's record finds them.
enum GCSRequest: String, CaseIterable, Sendable {
    case head, get, put, delete, list, begin, part, complete, abort, listParts, start, append
    case giveUp, rewrite

    /// An expression of Python over "METHOD target".
    func pattern(_ prefix: String) -> String {
        let blob = "/[^/?]+/\(prefix)[^?]*"
        return switch self {
        case .head: "^HEAD \(blob)$"
        case .get: "^GET \(blob)$"
        case .put: "^PUT \(blob)$"
        case .delete: "^DELETE \(blob)$"
        case .list: "^GET /[^/?]+\\?.*\(prefix)"
        case .begin: "^POST \(blob)\\?uploads="
        case .part: "^PUT \(blob)\\?partNumber="
        case .complete: "^POST \(blob)\\?uploadId="
        case .abort: "^DELETE \(blob)\\?uploadId="
        case .listParts: "^GET \(blob)\\?.*uploadId="
        case .start: "^POST \(blob)$"
        case .append: "^PUT \(blob)\\?upload_id="
        case .giveUp: "^DELETE \(blob)\\?upload_id="
        case .rewrite: "^POST /storage/v1/b/[^/]+/o/\(prefix)[^?]*/rewriteTo/"
        }
    }
}
