import ArgumentParser
import BlobCore
import BlobRPCClient

/// What a server offers beside its blobs.
protocol ServerProbe: Sendable {
    func ping(options: CallOptions) async throws(BlobError) -> Duration
    func serverInfo() async throws(BlobError) -> ServerInfo
    func addListener(text: String, options: ListenerOptions) async throws(BlobError) -> String
    func removeListener(at path: String, options: CallOptions) async throws(BlobError)
        -> [OpenUpload]
    func listListeners(options: CallOptions) async throws(BlobError) -> [ListenerStatus]
}

extension BlobClient: ServerProbe {}

/// What a command works with. Tests pass a store in memory.
struct CommandContext: Sendable {
    var store: any BlobStore
    var server: any ServerProbe
    var console: Console
    var deadline = CallDeadline(timeout: nil)
}

/// A command that talks to the server.
protocol StoreCommand: AsyncParsableCommand {
    var global: GlobalOptions { get }

    /// Does the work; everything that needs no server should have been checked by `validate`.
    func run(in context: CommandContext) async throws
}

extension StoreCommand {
    func run() async throws {
        let deadline = CallDeadline(timeout: global.timeout.map { .seconds($0) })
        Interruption.watch(deadline: deadline.instant, usesJSON: global.json)
        let client = try await Connection.open(global.socketPath, serverUser: global.serverUser)
        let context = CommandContext(
            store: client, server: client, console: global.console(), deadline: deadline)
        do {
            // On the client's own thread: bytes go from the socket to the disk without a change of
            // thread between.
            try await withTaskExecutorPreference(client.executor) { try await run(in: context) }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }
}

/// Reaches the server.
enum Connection {
    static func open(
        _ socket: SocketPath, serverUser: UInt32?
    ) async throws(BlobError) -> BlobClient {
        try socket.checkOwner()
        var configuration = ClientConfiguration()
        configuration.allowedServerUserIDs = serverUser.map { [$0] }
        do throws(BlobError) {
            return try await BlobClient.connect(
                path: socket.path, configuration: configuration)
        } catch {
            throw failure(error, path: socket.path)
        }
    }

    /// Why there is no connection. Whatever the reason, exit code 6 has to tell scripts that no
    /// call was made, unless the server itself turned this client away.
    static func failure(_ error: BlobError, path: String) -> BlobError {
        var error = error
        switch CommandStatus(error.code) {
        case .permissionDenied, .retryable, .unreachable: break
        default:
            error.code = .connectionLost
            error.retry = .notStarted
        }
        error.message =
            "cannot connect to \(path): \(error.message) (is blobrpcd running? "
            + "name its socket with --socket or BLOBRPC_SOCKET)"
        return error
    }
}
