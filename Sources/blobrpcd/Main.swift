import ArgumentParser
import Backends
import BlobCore
import BlobRPCServer
import LinuxIO
import Logging

/// The server program: reads its configuration, serves until SIGTERM or SIGINT, drains and exits.
@main
struct Daemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blobrpcd",
        abstract: "Serves blobs on Unix sockets; callers need no credentials.",
        discussion: """
            Without arguments it serves a local store to the current user.

            EXAMPLES:
              blobrpcd
              blobrpcd --socket /run/blobrpc/blobrpc.sock --root /srv/blobs
              blobrpcd --config /etc/blobrpc.yaml
              AWS_PROFILE=data blobrpcd --s3

            SIGTERM and SIGINT end it gracefully: running calls may finish. A second signal ends it
            at once.

            EXIT STATUS: 0 after a graceful end, 1 when it cannot start, 64 for wrong usage.
            """,
        version: ServerVersion.agentName)

    @Option(help: "The socket to serve.")
    var socket: String?

    @Option(
        name: .customLong("root"),
        help: "A directory whose files may be served as file:// URIs; repeatable.")
    var roots: [String] = []

    @Option(
        help: "A YAML file with listeners, mounts, roots and limits; see docs/configuration.md.")
    var config: String?

    @Flag(help: "Serve s3:// with the credentials that the AWS tools would find.")
    var s3 = false

    @Option(help: "Serve s3:// from this service instead of AWS, such as http://127.0.0.1:8333.")
    var s3Endpoint: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    mutating func run() async throws {
        let signals = TerminationSignals()
        let settings = try Settings(self)
        var logger = Logger(
            label: "blobrpcd", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = settings.logLevel
        do throws(BlobError) {
            try settings.makeDirectories()
            let pool = BlockingPool(name: "blobrpc-io", threadCount: settings.blockingThreadCount)
            let store = try settings.makeStore(pool: pool)
            let server = try BlobServer(
                configuration: settings.serverConfiguration, store: store.dispatcher,
                blockingPool: pool,
                logger: logger)
            announce(server, settings)
            await signals.first()
            logger.info("draining")
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await server.shutdown() }
                group.addTask { await signals.next() }
                // Whichever comes first: a second signal ends the wait for running calls.
                await group.next()
                group.cancelAll()
            }
            await store.close()
        } catch {
            logger.critical("cannot start", metadata: ["error": "\(error)"])
            throw ExitCode.failure
        }
        logger.info("stopped")
    }

    private func announce(_ server: BlobServer, _ settings: Settings) {
        for path in server.socketPaths { Console.print("blobrpcd: serving on \(path)") }
        for root in settings.roots { Console.print("blobrpcd: store file://\(root)/") }
        for store in settings.cloud.descriptions { Console.print("blobrpcd: store \(store)") }
        for (name, base) in settings.mounts.sorted(by: { $0.key < $1.key }) {
            Console.print("blobrpcd: mount blob://\(name)/ is \(base)")
        }
        Console.print("blobrpcd: ready")
    }
}

/// Product and version.
enum ServerVersion {
    static let agentName = "blobrpcd/0.1.0"
}
