import ArgumentParser
import BlobCore
import BlobRPCClient

/// One call at a time.
struct Latency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The time one head call takes, one after the other.")

    @OptionGroup var connection: Connection

    @Option(help: "A small blob.")
    var uri: URIArgument

    @Option(help: "The number of calls.")
    var count = 20_000

    func run() async throws {
        let client = try await connection.open()
        try await connection.measure(with: client) {
            for _ in 0..<(count / 10) { _ = try await client.head(uri.uri) }
            var latencies = Latencies(reserving: count)
            for _ in 0..<count {
                let start = ContinuousClock.now
                _ = try await client.head(uri.uri)
                latencies.append(ContinuousClock.now - start)
            }
            latencies.report()
        }
    }
}
