import ArgumentParser
import BlobCore
import CloudBackends
import LinuxIO

/// Signed URLs of Azure, without a server.
struct AzureSign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Signs URLs of Azure with an account key in this process, on one thread.")

    @Flag(help: "URLs of blobs, each with a signature of its own, instead of parts.")
    var blobs = false

    @Option(help: "The number of URLs of one call, or of calls for one URL each.")
    var parts: UInt32 = 10_000

    @Option(help: "The number of repetitions that are measured.")
    var count = 30

    func run() async throws {
        var configuration = AzureConfiguration()
        configuration.account = "benchmark"
        configuration.identity = .accountKey(
            "YmVuY2htYXJrLWtleS1vZi1hLXVzdWFsLWxlbmd0aC1iZW5jaG1hcmstYmVuY2htYXJrLWtleS0xMjM0NTY=")
        let backend = try AzureBackend(
            configuration: configuration, blockingPool: BlockingPool(name: "benchmark"))
        try await measure(backend)
        await backend.close()
    }

    /// Off the main thread, whose run loop would add its own cost.
    @concurrent
    private func measure(_ backend: AzureBackend) async throws {
        let uri = BlobURI(scheme: .az, container: "bench", key: "a/key/of/usual/length.bin")
        let upload = try await backend.createMultipartUpload(uri, options: MultipartOptions())
        _ = try await sign(backend, uri, upload)
        let (start, startTime) = (ContinuousClock.now, Figures.processorTime())
        var urlCount = 0
        for _ in 0..<count { urlCount += try await sign(backend, uri, upload) }
        let (elapsed, time) = (ContinuousClock.now - start, Figures.processorTime() - startTime)
        Figures.report("urls_per_s", Double(urlCount) / (elapsed / .seconds(1)))
        Figures.report("urls_per_cpu_s", Double(urlCount) / (time / .seconds(1)))
    }

    private func sign(
        _ backend: AzureBackend, _ uri: BlobURI, _ upload: MultipartUpload
    ) async throws -> Int {
        guard blobs else {
            return try await backend.presignUploadParts(
                upload, partNumbers: Array(1...parts), options: PresignOptions()
            ).count
        }
        for _ in 0..<parts {
            _ = try await backend.presign(.get, uri, options: PresignOptions())
        }
        return Int(parts)
    }
}
