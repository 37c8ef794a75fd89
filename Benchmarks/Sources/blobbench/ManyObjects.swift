import ArgumentParser
import BlobCore
import BlobRPCClient

/// The options of what moves many small blobs.
struct ManyObjects: ParsableArguments {
    @Option(help: "What the blobs are named after: a number of five digits is appended.")
    var uri: URIArgument

    @Option(help: "The number of blobs.")
    var count = 10_000

    @Option(help: "The size of each blob.")
    var byteCount = 16 << 10

    @Option(help: "The number of calls under way at once.")
    var concurrency = 64

    /// Calls `body` for each blob, `concurrency` at a time.
    func run(_ body: @escaping @Sendable (BlobURI) async throws -> Void) async throws {
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for first in 0..<concurrency {
                group.addTask {
                    for number in stride(from: first, to: count, by: concurrency) {
                        try await body(name(of: number))
                    }
                }
            }
            try await group.waitForAll()
        }
        let elapsed = ContinuousClock.now - start
        Figures.report("objects_per_s", Double(count) / (elapsed / .seconds(1)))
    }

    private func name(of number: Int) -> BlobURI {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 5 - digits.count))
        return uri.uri.replacingKey(uri.uri.key + zeros + digits)
    }
}

/// Reads small blobs.
struct GetMany: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads many small blobs, several at a time on one connection.")

    @OptionGroup var connection: Connection
    @OptionGroup var objects: ManyObjects

    func run() async throws {
        let client = try await connection.open()
        let byteCount = UInt64(objects.byteCount)
        try await connection.measure(with: client) {
            try await objects.run { uri in
                let received = try await client.drain(uri)
                guard received == byteCount else {
                    throw BenchmarkFailure(
                        description: "\(received) bytes came, not \(byteCount)")
                }
            }
        }
    }
}

/// Writes small blobs.
struct PutMany: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes many small blobs, several at a time on one connection.")

    @OptionGroup var connection: Connection
    @OptionGroup var objects: ManyObjects

    func run() async throws {
        let client = try await connection.open()
        let bytes = Bytes([UInt8](repeating: 0x5a, count: objects.byteCount))
        try await connection.measure(with: client) {
            try await objects.run { uri in
                _ = try await client.put(uri, body: .bytes(bytes), options: PutOptions())
            }
        }
    }
}
