import BlobCore
import BlobRPCClient
import Foundation
import TestKit

/// A launcher with a server of its own: for each job a socket in a directory of its own, which is all
/// that its sandbox sees.
///
///     DIR/store/job/N/input, output     what job N reads and writes, and nobody else
///     DIR/sockets/N/blobrpc.sock        its socket
///     DIR/programs                      the executor
final class Launcher {
    let directory: TemporaryDirectory
    private(set) var server: ServerProcess
    private(set) var client: BlobClient

    init() async throws {
        let directory = try TemporaryDirectory()
        let files = FileManager.default
        for job in 1...2 {
            try directory.write("input of \(job)", to: "store/job/\(job)/input/data")
            try files.createDirectory(
                atPath: "\(directory.path)/sockets/\(job)", withIntermediateDirectories: true)
        }
        // The store is this user's alone; the socket is the only way to it.
        try files.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: "\(directory.path)/store")
        try directory.write(
            """
            listeners:
              - path: \(directory.path)/admin/admin.sock
                admin: true
            roots: [\(directory.path)/store]
            mounts:
              job: file://\(directory.path)/store/job
              other: file://\(directory.path)/store
            """, to: "config.yaml")
        let sources = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Python").path
        for name in try files.contentsOfDirectory(atPath: sources) where name.hasSuffix(".py") {
            let text = try String(contentsOfFile: "\(sources)/\(name)", encoding: .utf8)
            try directory.write(text, to: "programs/\(name)")
        }
        self.directory = directory
        server = try await Self.start(directory)
        client = try await BlobClient.connect(path: "\(directory.path)/admin/admin.sock")
    }

    private static func start(_ directory: TemporaryDirectory) async throws -> ServerProcess {
        try await ServerProcess.start(
            socketPath: "\(directory.path)/admin/admin.sock",
            command: [
                "\(ServerProcess.productsDirectory)/blobrpcd", "--config",
                "\(directory.path)/config.yaml", "--log-level", "critical",
            ])
    }

    /// Ends the server with `signal` and starts another one.
    func restart(_ signal: Int32) async throws {
        await client.close()
        server.kill(signal)
        _ = await server.waitUntilExit()
        server = try await Self.start(directory)
        client = try await BlobClient.connect(path: "\(directory.path)/admin/admin.sock")
    }

    /// Serves the socket of a job: it reads its input and writes its output.
    ///
    /// - Parameter more: Further prefixes that it reads and writes.
    @discardableResult
    func addSocket(_ job: Int, more: [String] = []) async throws -> String {
        var socket = ListenerSpecification(path: socketPath(job))
        // The directory decides who reaches it: nobody but the job's sandbox has it.
        socket.mode = 0o666
        socket.grant(.reading, on: try BlobURI(parsingPrefix: "blob://job/\(job)/input/"))
        socket.grant(.writing, on: try BlobURI(parsingPrefix: "blob://job/\(job)/output/"))
        for prefix in more {
            let prefix = try BlobURI(parsingPrefix: prefix)
            for access in [ListenerSpecification.Access.reading, .writing] {
                socket.grant(access, on: prefix)
            }
        }
        return try await client.addListener(socket)
    }

    func socketPath(_ job: Int) -> String { "\(directory.path)/sockets/\(job)/blobrpc.sock" }

    func startSandbox(_ job: Int) throws -> Sandbox {
        try Sandbox(
            programs: "\(directory.path)/programs", sockets: "\(directory.path)/sockets/\(job)")
    }

    /// What is stored, except what the server keeps for itself.
    func storedNames() -> [String] {
        let names = FileManager.default.enumerator(atPath: "\(directory.path)/store")
        return (names?.compactMap { $0 as? String } ?? [])
            .filter { !$0.hasPrefix(".blobrpc-staging") }.sorted()
    }

    func stop() async {
        await client.close()
        server.kill(SIGTERM)
        _ = await server.waitUntilExit()
    }
}
