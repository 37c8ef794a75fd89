import ArgumentParser
import Backends
import BlobCore
import BlobRPCServer
import CLinuxShims
import Foundation
import Glibc
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
              GOOGLE_APPLICATION_CREDENTIALS=key.json blobrpcd --gcs
              AZURE_STORAGE_CONNECTION_STRING=... blobrpcd --azure

            SIGTERM and SIGINT end it gracefully: running calls may finish. A second signal ends it
            at once. SIGHUP reads the listeners of the file anew and opens the audit log anew.

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

    @OptionGroup var s3: S3Arguments

    @OptionGroup var gcs: GCSArguments

    @OptionGroup var azure: AzureArguments

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    mutating func run() async throws {
        // Memory holds credentials: it must not reach a file of the system's choice.
        _ = clinux_forbid_dumps()
        let signals = ProcessSignals(SIGTERM, SIGINT)
        let hangups = ProcessSignals(SIGHUP)
        let environment = ProcessInfo.processInfo.environment
        let manager = ServiceManager(environment: environment)
        let inherited = try inheritedSockets(environment)
        let settings = try Settings(self, inherited: inherited)
        var logger = Logger(
            label: "blobrpcd", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = settings.logLevel
        do throws(BlobError) {
            try settings.makeDirectories()
            let pool = BlockingPool(name: "blobrpc-io", threadCount: settings.blockingThreadCount)
            let store = try settings.makeStore(pool: pool)
            let audit = try settings.audit?.open()
            let server = try BlobServer(
                configuration: settings.serverConfiguration, store: store.dispatcher,
                blockingPool: pool, logger: logger, audit: audit,
                listenerReader: LauncherListeners(mountNames: Set(settings.mounts.keys)))
            let reload = ListenerReload(
                arguments: self, server: server, audit: audit, logger: logger,
                mountNames: Set(settings.mounts.keys), inherited: inherited)
            let reloading = Task {
                await reload.run(hangups, settings.serverConfiguration.listeners)
            }
            announce(server, settings)
            manager.ready()
            let watch = Task { await manager.watch(server) }
            defer { watch.cancel() }
            await signals.wait(count: 1)
            reloading.cancel()
            logger.info("draining")
            manager.stopping()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await server.shutdown() }
                group.addTask { await signals.wait(count: 2) }
                // Whichever comes first: a second signal ends the wait for running calls.
                await group.next()
                group.cancelAll()
            }
            await store.close()
            audit?.close()
        } catch {
            logger.critical("cannot start", metadata: ["error": "\(error)"])
            throw ExitCode.failure
        }
        logger.info("stopped")
    }

    private func inheritedSockets(
        _ environment: [String: String]
    ) throws(BlobError) -> [InheritedSocket] {
        do throws(ListenerError) {
            return try InheritedSocket.take(environment: environment, processIdentifier: getpid())
        } catch {
            throw BlobError(.invalidArgument, "\(error)")
        }
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
