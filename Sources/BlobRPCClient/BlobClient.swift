public import BlobCore
internal import BlobWire
internal import LinuxIO

/// A `BlobStore` whose operations travel over a Unix socket to a server that holds the credentials.
///
/// One client serves any number of tasks at once over one connection. When the connection is lost
/// it connects anew, with growing pauses, and repeats the calls that are safe to repeat
/// (protocol.md, rule W-61); every other call fails with `connectionLost`. No call hangs: each ends
/// with its answer, its deadline, its task's cancellation or the end of the connection.
///
/// Calls made on `executor` need no change of thread:
///
///     try await withTaskExecutorPreference(client.executor) { ... }
public final class BlobClient: Sendable {
    /// The client's own thread.
    let loop: EventLoop
    let connector: ClientConnector

    private init(loop: EventLoop, connector: ClientConnector) {
        self.loop = loop
        self.connector = connector
    }

    deinit {
        let connector = connector
        let loop = loop
        loop.execute {
            connector.assumeIsolated { $0.close() }
            loop.shutdown()
        }
    }

    /// Connects to the server at `path`.
    ///
    /// - Throws: `connectionLost` when nothing answers there within the connect timeout,
    ///   `unsupportedVersion`, `permissionDenied`, `unauthenticatedPeer` when the server's user is
    ///   none of ``ClientConfiguration/allowedServerUserIDs``.
    public static func connect(
        path: String, configuration: ClientConfiguration = ClientConfiguration()
    ) async throws(BlobError) -> BlobClient {
        let loop: EventLoop
        do {
            loop = try EventLoop(name: "blobrpc-client")
        } catch {
            throw BlobError(.inputOutput, "cannot start an event loop: \(error)", origin: .client)
        }
        let connector = ClientConnector(path: path, loop: loop, configuration: configuration)
        let client = BlobClient(loop: loop, connector: connector)
        _ = try await connector.connection()
        return client
    }

    /// The thread of this client as an executor: tasks that prefer it call without a hop.
    public var executor: any TaskExecutor { loop }

    /// The time one PING takes to come back.
    ///
    /// - Throws: `deadlineExceeded`, `cancelled`, or why there is no connection.
    public func ping(options: CallOptions = CallOptions()) async throws(BlobError) -> Duration {
        let deadline = options.timeout.map { ContinuousClock.now + $0 }
        let connection = try await connector.connection(deadline: deadline)
        let start = ContinuousClock.now
        try await connection.ping(timeout: deadline.map { $0 - start })
        return ContinuousClock.now - start
    }

    /// What the server says about itself.
    public func serverInfo() async throws(BlobError) -> ServerInfo {
        let response = try await call(.info, options: CallOptions())
        guard case .info(let info) = response else { throw Self.unexpected }
        return info
    }

    /// Ends all connections; calls that are running fail with `cancelled`. The client cannot be used
    /// again.
    public func close() async {
        await connector.close()
    }

    static let unexpected = BlobError(
        .badFrame, "the answer does not fit the call", origin: .client)
}
