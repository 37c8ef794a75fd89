import ArgumentParser
import BlobCore
import BlobRPCClient

/// What a launcher waits for before its sandbox can work.
struct Launch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The time from asking for a socket to the first answer through it.")

    @OptionGroup var connection: Connection

    @Option(help: "A small blob.")
    var uri: URIArgument

    @Option(help: "The directory in which sockets are added.")
    var directory: String

    @Option(help: "The number of sockets.")
    var count = 200

    @Flag(help: "Connect to a socket that is there, for comparison.")
    var reuses = false

    func run() async throws {
        let launcher = try await connection.open()
        try await connection.measure(with: launcher) {
            var latencies = Latencies(reserving: count)
            var path = "\(directory)/there.sock"
            if reuses { try await add(path, launcher) }
            for number in 0..<count {
                if !reuses { path = "\(directory)/\(number).sock" }
                let start = ContinuousClock.now
                if !reuses { try await add(path, launcher) }
                let client = try await BlobClient.connect(path: path)
                _ = try await client.head(uri.uri)
                latencies.append(ContinuousClock.now - start)
                await client.close()
                if !reuses { try await launcher.removeListener(at: path) }
            }
            if reuses { try await launcher.removeListener(at: path) }
            latencies.report()
        }
    }

    private func add(_ path: String, _ launcher: BlobClient) async throws {
        // Connections to the socket for comparison are not to wait for their turn (W-99).
        let trust = reuses ? "trusted" : "untrusted"
        let grants = #"[{"prefix": "\#(uri.uri)", "operations": ["read"]}]"#
        try await launcher.addListener(
            text: #"{"path": "\#(path)", "policy": {"trust": "\#(trust)", "grants": \#(grants)}}"#)
    }
}
