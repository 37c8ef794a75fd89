import BlobRPCClient
import Foundation
import TestKit

/// blobrpcd with a socket for launchers, an ordinary one, and the mount `job`.
struct AdminDaemon {
    let directory: TemporaryDirectory
    let server: ServerProcess

    /// - Parameter adminKeys: More keys of the launchers' socket, each on a line.
    init(adminKeys: String = "") async throws {
        directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/root/job", withIntermediateDirectories: true)
        try Self.write(directory, adminKeys: adminKeys)
        server = try await ServerProcess.start(
            socketPath: "\(directory.path)/admin.sock",
            command: [
                "\(ServerProcess.productsDirectory)/blobrpcd", "--config",
                "\(directory.path)/config.yaml",
            ], logPath: "\(directory.path)/log")
    }

    var adminPath: String { path("admin.sock") }

    func path(_ name: String) -> String { "\(directory.path)/\(name)" }

    /// Writes the configuration anew.
    ///
    /// - Parameter more: Further sockets.
    func write(plainKeys: String = "", more: [String]) throws {
        try Self.write(directory, plainKeys: plainKeys, more: more)
    }

    private static func write(
        _ directory: TemporaryDirectory, adminKeys: String = "", plainKeys: String = "",
        more: [String] = []
    ) throws {
        let others = more.map { "  - path: \(directory.path)/\($0)\n" }.joined()
        try directory.write(
            """
            listeners:
              - path: \(directory.path)/admin.sock
                admin: true
                \(adminKeys)
              - path: \(directory.path)/plain.sock
                \(plainKeys)
            \(others)
            roots: [\(directory.path)/root]
            mounts:
              job: file://\(directory.path)/root/job
            """, to: "config.yaml")
    }

    /// Waits until the server has logged a line with `text` in it.
    func logged(_ text: String) async throws {
        while directory.text(of: "log")?.contains(text) != true {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    func connect() async throws -> BlobClient {
        try await BlobClient.connect(path: adminPath)
    }

    func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    /// Runs `blobctl admin listener` on the launchers' socket.
    func blobctl(_ arguments: [String]) async throws -> Program.Outcome {
        try await Program.run(
            ["\(ServerProcess.productsDirectory)/blobctl", "admin", "listener"] + arguments
                + ["--socket", adminPath])
    }

    struct BadEnd: Error {}

    func stop(_ client: BlobClient? = nil) async throws {
        await client?.close()
        server.kill(SIGTERM)
        guard await server.waitUntilExit() == 0 else {
            throw BadEnd()
        }
    }
}
