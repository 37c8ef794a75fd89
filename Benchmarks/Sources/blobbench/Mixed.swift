import ArgumentParser
import BlobCore
import BlobRPCClient
import Synchronization

/// Which connection the bulk streams use.
enum BulkConnection: String, ExpressibleByArgument, CaseIterable {
    /// The one of the small calls.
    case same
    /// One of their own each.
    case other
}

/// Small calls while bulk streams run.
struct Mixed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The time one head call takes while other tasks stream blobs.")

    @OptionGroup var connection: Connection

    @Option(help: "A small blob.")
    var uri: URIArgument

    @Option(help: "A large blob.")
    var bulkURI: URIArgument

    @Option(help: "Over which connection the bulk streams run.")
    var bulkConnection: BulkConnection = .same

    @Option(help: "The number of bulk streams.")
    var streams = 8

    @Option(help: "How long to measure, after a tenth of it to get the streams going.")
    var milliseconds = 3000

    func run() async throws {
        let client = try await connection.open()
        var bulkClients: [BlobClient] = []
        for _ in 0..<streams {
            bulkClients.append(bulkConnection == .same ? client : try await connection.open())
        }
        let bulk = BulkStreams(uri: bulkURI.uri)
        let running = bulkClients.map { client in
            Task { try await connection.measure(with: client) { try await bulk.run(client) } }
        }
        let latencies = try await connection.measure(with: client) {
            try await calls(client, bulk)
        }
        bulk.stop()
        for task in running { try await task.value }
        latencies.report()
    }

    private func calls(_ client: BlobClient, _ bulk: BulkStreams) async throws -> Latencies {
        let duration = Duration.milliseconds(milliseconds)
        _ = try await calls(client, for: duration / 10)
        let (start, startByteCount) = (ContinuousClock.now, bulk.receivedByteCount)
        let latencies = try await calls(client, for: duration)
        let byteCount = bulk.receivedByteCount - startByteCount
        guard byteCount > 0 else {
            throw BenchmarkFailure(description: "the bulk streams stood still")
        }
        Figures.report(byteCount: byteCount, in: ContinuousClock.now - start)
        Figures.report("calls", Double(latencies.count))
        return latencies
    }

    private func calls(_ client: BlobClient, for duration: Duration) async throws -> Latencies {
        var latencies = Latencies(reserving: 1 << 18)
        let end = ContinuousClock.now + duration
        var start = ContinuousClock.now
        while start < end {
            _ = try await client.head(uri.uri)
            let now = ContinuousClock.now
            latencies.append(now - start)
            start = now
        }
        return latencies
    }
}

/// Streams that read one blob over and over until they are told to stop.
final class BulkStreams: Sendable {
    private let uri: BlobURI
    private let isStopped = Atomic<Bool>(false)
    private let received = Atomic<UInt64>(0)

    init(uri: BlobURI) {
        self.uri = uri
    }

    var receivedByteCount: UInt64 { received.load(ordering: .relaxed) }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    func run(_ client: BlobClient) async throws {
        while !isStopped.load(ordering: .relaxed) {
            for try await chunk in try await client.read(uri) {
                received.add(UInt64(chunk.bytes.count), ordering: .relaxed)
                if isStopped.load(ordering: .relaxed) { break }
            }
        }
    }
}
