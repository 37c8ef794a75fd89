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
            let warmUpCount = try await callCount(client, for: duration / 10)
            let (start, startTime) = (ContinuousClock.now, Figures.processorTime())
            let count = try await callCount(client, for: duration)
            let (elapsed, time) = (
                ContinuousClock.now - start, Figures.processorTime() - startTime
            )
            Figures.report("calls_per_s", Double(count) / (elapsed / .seconds(1)))
            Figures.report("client_cpu_us", time / .microseconds(1) / Double(count))
            // For who divides the server's processor time by it.
            Figures.report("calls", Double(warmUpCount + count))
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
