import ArgumentParser
import BlobCore
import BlobRPCClient
import Synchronization

/// Streams that write.
struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes blobs from one reused buffer.")

    @OptionGroup var connection: Connection

    @Option(help: "The blob; several streams append their number.")
    var uri: URIArgument

    @Option(help: "The size of each blob.")
    var byteCount: UInt64

    @Option(help: "The number of streams at once.")
    var streams = 1

    @Option(help: "How often each stream writes its blob anew.")
    var repetitions = 1

    func run() async throws {
        let client = try await connection.open()
        let buffer = Bytes([UInt8](repeating: 0x5a, count: RepeatedBytes.pieceByteCount))
        try await connection.measure(with: client) {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<streams {
                    let name = streams == 1 ? uri.uri.key : "\(uri.uri.key)-\(index)"
                    group.addTask {
                        try await write(uri.uri.replacingKey(name), buffer, client)
                    }
                }
                try await group.waitForAll()
            }
            Figures.report(
                byteCount: byteCount * UInt64(streams * repetitions),
                in: ContinuousClock.now - start)
        }
    }

    private func write(_ uri: BlobURI, _ buffer: Bytes, _ client: BlobClient) async throws {
        for _ in 0..<repetitions {
            let source = RepeatedBytes(buffer, byteCount: byteCount)
            let result = try await client.put(
                uri, body: .stream(source, byteCount: byteCount), options: PutOptions())
            guard result.byteCount == byteCount else {
                throw BenchmarkFailure(
                    description: "\(result.byteCount) bytes were stored, not \(byteCount)")
            }
        }
    }
}

/// Gives the same bytes again and again, so that no cost of making them is measured.
final class RepeatedBytes: ByteSource {
    /// As the sender of the reference.
    static let pieceByteCount = 256 << 10

    private let buffer: Bytes
    private let remaining: Mutex<UInt64>

    init(_ buffer: Bytes, byteCount: UInt64) {
        self.buffer = buffer
        remaining = Mutex(byteCount)
    }

    func next() async throws(BlobError) -> Bytes? {
        let byteCount = remaining.withLock { remaining in
            let byteCount = min(remaining, UInt64(buffer.count))
            remaining -= byteCount
            return Int(byteCount)
        }
        return byteCount == 0 ? nil : buffer.prefix(byteCount)
    }
}
