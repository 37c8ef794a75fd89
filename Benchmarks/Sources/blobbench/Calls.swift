import ArgumentParser
import BlobCore
import BlobRPCClient

/// Many calls at once on one connection.
struct Calls: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How many head calls a second so many tasks make together.")

    @OptionGroup var connection: Connection

    @Option(help: "A small blob.")
    var uri: URIArgument

    @Option(help: "The number of tasks, each with one call under way.")
    var concurrency = 128

    @Option(help: "How long to measure, after a tenth of it to warm up.")
    var milliseconds = 1000

    func run() async throws {
        let client = try await connection.open()
        try await connection.measure(with: client) {
            let duration = Duration.milliseconds(milliseconds)
            _ = try await callCount(client, for: duration / 10)
            let start = ContinuousClock.now
            let count = try await callCount(client, for: duration)
            Figures.report(
                "calls_per_s", Double(count) / ((ContinuousClock.now - start) / .seconds(1)))
        }
    }

    private func callCount(_ client: BlobClient, for duration: Duration) async throws -> Int {
        let deadline = ContinuousClock.now + duration
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < deadline {
                        _ = try await client.head(uri.uri)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
    }
}
