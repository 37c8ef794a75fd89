import ArgumentParser
import BlobCore
import BlobRPCClient

/// Streams that read.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads a blob to its end, chunk by chunk, and drops the bytes.")

    @OptionGroup var connection: Connection

    @Option(help: "The blob.")
    var uri: URIArgument

    @Option(help: "The size of the blob, to be sure that it came whole.")
    var byteCount: UInt64

    @Option(help: "The number of streams at once.")
    var streams = 1

    func run() async throws {
        let client = try await connection.open()
        try await connection.measure(with: client) {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<streams {
                    group.addTask {
                        let received = try await client.drain(uri.uri)
                        guard received == byteCount else {
                            throw BenchmarkFailure(
                                description: "\(received) bytes came, not \(byteCount)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            Figures.report(
                byteCount: byteCount * UInt64(streams), in: ContinuousClock.now - start)
        }
    }
}

extension BlobClient {
    /// Reads a blob and drops its bytes.
    ///
    /// - Returns: The number of bytes that came.
    func drain(_ uri: BlobURI) async throws -> UInt64 {
        var received: UInt64 = 0
        for try await chunk in try await read(uri) { received += UInt64(chunk.bytes.count) }
        return received
    }
}
