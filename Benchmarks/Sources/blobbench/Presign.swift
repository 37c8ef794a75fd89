import ArgumentParser
import BlobCore
import BlobRPCClient

/// Signed URLs of parts, through the socket.
struct Presign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How long a call takes that signs URLs for the parts of an upload.")

    @OptionGroup var connection: Connection

    @Option(help: "The blob to upload; the upload is given up in the end.")
    var uri: URIArgument

    @Option(help: "The number of parts.")
    var parts: UInt32 = 10_000

    @Option(help: "The number of calls that are measured.")
    var count = 30

    func run() async throws {
        let client = try await connection.open()
        try await connection.measure(with: client) {
            let upload = try await client.createMultipartUpload(
                uri.uri, options: MultipartOptions())
            let numbers = Array(1...parts)
            var latencies = Latencies(reserving: count)
            // The first call fetches credentials and fills caches.
            for turn in -2..<count {
                let start = ContinuousClock.now
                let urls = try await client.presignUploadParts(
                    upload, partNumbers: numbers, options: PresignOptions())
                if turn >= 0 { latencies.append(ContinuousClock.now - start) }
                guard urls.count == numbers.count else {
                    throw BenchmarkFailure(description: "\(urls.count) URLs came")
                }
            }
            try await client.abortMultipartUpload(upload, options: CallOptions())
            latencies.report()
        }
    }
}
