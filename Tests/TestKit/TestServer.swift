public import Backends
public import BlobCore
public import BlobRPCClient
public import BlobRPCServer
public import CloudBackends
internal import Foundation
public import LinuxIO
internal import Logging

/// A server in this process on a local store of its own.
public final class TestServer: Sendable {
    /// Holds the socket and the store.
    public let directory: TemporaryDirectory
    /// The server.
    public let server: BlobServer
    /// The store behind it.
    public let store: BlobStoreDispatcher
    /// What it serves: the store, as `wrapping` made it.
    public let served: any BlobStore
    private let s3: S3Backend?
    private let pool: BlockingPool

    /// The path of the socket.
    public var socketPath: String { "\(directory.path)/socket" }
    /// The root of the local store.
    public var rootPath: String { "\(directory.path)/root" }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - parent: Where its directory is made.
    ///   - s3: How S3 is reached, if it is to be served.
    ///   - mounts: What is mounted besides `data`.
    ///   - audit: Is told of every call.
    ///   - listenerReader: Understands what launchers send.
    ///   - configure: Changes the listener before it is bound.
    ///   - wrapping: Makes what is served out of the store.
    public init(
        in parent: String = "/tmp", systemCalls: SystemCalls = .live, eventLoopCount: Int = 2,
        s3 configuration: S3Configuration? = nil, mounts: [String: BlobURI] = [:],
        audit: (any AuditSink)? = nil,
        listenerReader: (any ListenerReader)? = nil,
        configure: (inout ListenerConfiguration) -> Void = { _ in },
        wrapping: (any BlobStore) -> any BlobStore = { $0 }
    ) throws {
        directory = try TemporaryDirectory(in: parent)
        let root = "\(directory.path)/root"
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true)
        let pool = BlockingPool(name: "test-io", threadCount: 4)
        self.pool = pool
        let local = try LocalBackend(
            configuration: LocalBackendConfiguration(roots: [root], blockingPool: pool))
        var backends: [BlobURI.Scheme: any BlobStore] = [.file: local]
        s3 = try configuration.map { try S3Backend(configuration: $0, blockingPool: pool) }
        backends[.s3] = s3
        var mounts = mounts
        mounts["data"] = try BlobURI(parsingPrefix: "file://\(root)/mounted")
        store = try BlobStoreDispatcher(
            backends: backends, mounts: mounts, blockingPool: pool)
        var listener = ListenerConfiguration(path: "\(directory.path)/socket")
        listener.timeouts = Self.patience
        configure(&listener)
        var server = ServerConfiguration(
            listeners: [listener], eventLoopCount: eventLoopCount)
        server.drainTimeout = .seconds(30)
        server.schemes = (backends.keys.map(\.rawValue) + ["blob"]).sorted()
        server.mountNames = mounts.keys.sorted()
        var logger = Logger(label: "test", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        served = wrapping(store)
        self.server = try BlobServer(
            configuration: server, store: served, blockingPool: pool,
            logger: logger, audit: audit, listenerReader: listenerReader,
            systemCalls: systemCalls)
    }

    /// Generous: on a loaded machine a test may not run for half a minute. A test of a limit sets that
    /// limit.
    private static var patience: SessionTimeouts {
        var timeouts = SessionTimeouts()
        for limit in [
            \SessionTimeouts.handshake, \.partialFrame, \.writeStall, \.streamProgress,
        ] {
            timeouts[keyPath: limit] = .seconds(300)
        }
        return timeouts
    }

    /// Serves one more socket beside the first, for peers that may be hostile.
    ///
    /// - Returns: Its path.
    public func addUntrusted(
        _ name: String, _ scope: ListenerPolicy.Scope,
        configure: (inout ListenerConfiguration) -> Void = { _ in }
    ) throws -> String {
        var listener = ListenerConfiguration.untrusted(
            path: "\(directory.path)/\(name)", scope: scope)
        listener.timeouts = Self.patience
        configure(&listener)
        try server.addListener(listener)
        return listener.path
    }

    /// A client of this server.
    public func connect(
        _ configuration: ClientConfiguration = ClientConfiguration()
    ) async throws -> BlobClient {
        try await BlobClient.connect(path: socketPath, configuration: configuration)
    }

    /// Runs `body` with a client of this server, and ends both however it ends.
    public func withClient(_ body: (any BlobStore) async throws -> Void) async throws {
        let client = try await connect()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        await stop()
        try outcome.get()
    }

    /// The URI of a file in the store.
    public func uri(_ name: String) throws -> BlobURI {
        try BlobURI(parsing: "file://\(rootPath)/\(name)")
    }

    /// Stops the server and waits for it.
    public func stop() async {
        await server.shutdown()
        await s3?.close()
        pool.shutdown()
    }
}
