import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Our backend on the oracle, with a place in its container that no other test uses.
struct AzureFixture: Sendable {
    let server: CloudTestServer
    let azure: CloudTestServer.Azure
    let backend: AzureBackend
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    static let partByteCount = 5 << 20

    /// Who the requests are from.
    enum Identity: String, CaseIterable, Sendable {
        /// The account's key.
        case key
        /// Somebody with all rights, over TLS.
        case token
    }

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

    var container: String { server.description.bucket }

    func key(_ key: String) -> String { "\(prefix)/\(key)" }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .az, container: container, key: self.key(key))
    }

    /// An upload of `uri` that nobody has begun, with a name that is right.
    func upload(_ uri: BlobURI) throws -> MultipartUpload {
        let name = UploadName(
            commitToken: try RandomName.make(),
            uploadID: try AzureUploadID.make(BlobAttributes(), for: uri, in: azure.account))
        return MultipartUpload(uri: uri, uploadID: name.text)
    }

    /// What the server has in our place, by Microsoft's client.
    func keys() async throws -> [String] {
        try await server.keys(prefix: prefix + "/").map { String($0.dropFirst(prefix.count + 1)) }
    }

    /// The requests about our place that `kind` is about.
    func requests(_ kind: AzureRequestKind) async throws -> [CloudTestServer.Request] {
        try await server.requests(kind.pattern(prefix))
    }

    func fault(
        _ kind: AzureRequestKind, _ parts: [String: JSONValue], times: Int = 1, skip: Int = 0
    ) async throws -> CloudTestServer.Fault {
        try await server.fault(kind.pattern(prefix), parts, times: times, skip: skip)
    }

    /// What a test may want otherwise.
    struct Settings {
        var identity = Identity.key
        var environment = CredentialEnvironment(variables: [:], homeDirectory: "/nonexistent")
        var policy = AzureFixture.policy
        var clock = WallClock.system
        /// Long enough for a loaded machine.
        var timeouts = AzureFixture.timeouts(.seconds(30))
        var credentials: (any CredentialSource<AzureCredentials>)?
        var isSecure = false
        var copyByteCount = AzureLimits.copyByteCount
        var configure: (inout AzureConfiguration) -> Void = { _ in }
    }

    /// Runs `body` with a backend, and closes that however it ends.
    static func with(
        _ settings: Settings = Settings(), _ body: (AzureFixture) async throws -> Void
    ) async throws {
        let server = try await CloudTestServer.shared(.azure)
        let azure = try #require(server.description.azure)
        var environment = settings.environment
        var configuration = AzureConfiguration()
        configuration.endpoint = server.description.endpoint
        configuration.partByteCount = partByteCount
        switch settings.identity {
        case .key: configuration.identity = .accountKey(azure.accountKey)
        case .token:
            environment.variables["AZURE_AUTHORITY_HOST"] = azure.admin.authorityHost
            configuration.identity = .clientSecret(
                tenantID: azure.admin.tenantID, clientID: azure.admin.clientID,
                secret: azure.admin.clientSecret)
        }
        if settings.isSecure || settings.identity == .token {
            configuration.endpoint = server.description.tlsEndpoint
            configuration.certificateFile = server.description.certificateAuthorityFile
        }
        settings.configure(&configuration)
        let pool = BlockingPool(name: "azure-test", threadCount: 2)
        defer { pool.shutdown() }
        var engineSettings = HTTPEngineSettings()
        engineSettings.proxy = .none
        let backend = try AzureBackend(
            configuration: configuration, blockingPool: pool, environment: environment,
            engineSettings: engineSettings, policy: settings.policy, clock: settings.clock,
            timeouts: settings.timeouts, copyByteCount: settings.copyByteCount,
            credentials: settings.credentials)
        let fixture = AzureFixture(
            server: server, azure: azure, backend: backend, prefix: server.freshPrefix())
        do {
            try await body(fixture)
        } catch {
            await backend.close()
            throw error
        }
        await backend.close()
        let memory = backend.store.memory
        #expect(memory.freeByteCount == memory.byteCount)
    }

    static func with(
        _ identity: Identity, _ body: (AzureFixture) async throws -> Void
    ) async throws {
        try await with(Settings(identity: identity), body)
    }

    static func with(
        configure: @escaping (inout AzureConfiguration) -> Void,
        _ body: (AzureFixture) async throws -> Void
    ) async throws {
        var settings = Settings()
        settings.configure = configure
        try await with(settings, body)
    }
}

/// The kinds of requests that the backend makes, as the oracle's record finds them.
enum AzureRequestKind: String, CaseIterable, Sendable {
    case head, get, put, delete, list, block, commit, blocks, batch

    /// An expression of Python over "METHOD target".
    func pattern(_ prefix: String) -> String {
        let blob = "/[^/?]+/[^/?]+/\(prefix)[^?]*"
        return switch self {
        case .head: "^HEAD \(blob)$"
        case .get: "^GET \(blob)$"
        case .put: "^PUT \(blob)$"
        case .delete: "^DELETE \(blob)$"
        case .list: "^GET /[^/?]+/[^/?]+\\?.*comp=list.*\(prefix)"
        case .block: "^PUT \(blob)\\?comp=block&"
        case .commit: "^PUT \(blob)\\?comp=blocklist"
        case .blocks: "^GET \(blob)\\?comp=blocklist"
        // The names are in its body: a container of its own tells whose it is.
        case .batch: "^POST /[^/?]+/\(prefix)\\?.*comp=batch"
        }
    }
}
