import ArgumentParser
import BlobCore
import CloudBackends
import LinuxIO

/// Signed URLs of Google Cloud Storage, without a server and without a service.
struct GCSSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gcs-sign",
        abstract: "Signs URLs by a service account's key in this process: of parts, or one by one.")

    @Option(help: "The credential file of a service account.")
    var credentials: String

    @Option(help: "The blob.")
    var uri: URIArgument

    @Option(help: "The number of parts of one call; 1 signs blobs' URLs, one a call.")
    var parts: UInt32 = 1000

    @Option(help: "How many URLs are measured.")
    var count = 10_000

    func run() async throws {
        var configuration = GCSConfiguration()
        configuration.identity = .applicationDefault(file: credentials)
        let backend = try GCSBackend(
            configuration: configuration, blockingPool: BlockingPool(name: "benchmark"))
        try await measure(backend)
        await backend.close()
    }

    /// Off the main thread, whose run loop would add its own cost.
    @concurrent
    private func measure(_ backend: GCSBackend) async throws {
        let callCount = max(1, count / Int(parts))
        _ = try await sign(backend)
        let (start, startTime) = (ContinuousClock.now, Figures.processorTime())
        var urlCount = 0
        for _ in 0..<callCount { urlCount += try await sign(backend) }
        let (elapsed, time) = (
            ContinuousClock.now - start, Figures.processorTime() - startTime
        )
        Figures.report("urls_per_s", Double(urlCount) / (elapsed / .seconds(1)))
        Figures.report("urls_per_cpu_s", Double(urlCount) / (time / .seconds(1)))
    }

    private func sign(_ backend: GCSBackend) async throws -> Int {
        guard parts > 1 else {
            _ = try await backend.presign(.get, uri.uri, options: PresignOptions())
            return 1
        }
        // The name of an upload of this store, which nobody is asked about.
        let upload = MultipartUpload(
            uri: uri.uri, uploadID: String(repeating: "0", count: 32) + ".benchmark-upload")
        return try await backend.presignUploadParts(
            upload, partNumbers: Array(1...parts), options: PresignOptions()
        ).count
    }
}
