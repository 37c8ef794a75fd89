import ArgumentParser
import BlobCore
import CloudBackends
import LinuxIO

/// Signed URLs of parts, without a server.
struct Sign: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Signs URLs for the parts of an upload in this process, on one thread.")

    @Option(help: "The service, which has to begin an upload.")
    var endpoint: String

    @Option(help: "The blob.")
    var uri: URIArgument

    @Option(help: "The number of parts of one call.")
    var parts: UInt32 = 10_000

    @Option(help: "The number of calls that are measured.")
    var count = 30

    func run() async throws {
        var configuration = S3Configuration()
        configuration.endpoint = endpoint
        configuration.identity = .keys(
            accessKeyID: "benchmark", secretAccessKey: "benchmark-secret", sessionToken: nil)
        let backend = try S3Backend(
            configuration: configuration, blockingPool: BlockingPool(name: "benchmark"))
        let upload = try await backend.createMultipartUpload(uri.uri, options: MultipartOptions())
        try await measure(backend, upload)
        await backend.close()
    }

    /// Off the main thread, whose run loop would add its own cost.
    @concurrent
    private func measure(_ backend: S3Backend, _ upload: MultipartUpload) async throws {
        let numbers = Array(1...parts)
        _ = try await sign(backend, upload, numbers)
        let (start, startTime) = (ContinuousClock.now, Figures.processorTime())
        var urlCount = 0
        for _ in 0..<count { urlCount += try await sign(backend, upload, numbers) }
        let (elapsed, time) = (
            ContinuousClock.now - start, Figures.processorTime() - startTime
        )
        Figures.report("urls_per_s", Double(urlCount) / (elapsed / .seconds(1)))
        Figures.report("urls_per_cpu_s", Double(urlCount) / (time / .seconds(1)))
    }

    private func sign(
        _ backend: S3Backend, _ upload: MultipartUpload, _ numbers: [UInt32]
    ) async throws -> Int {
        try await backend.presignUploadParts(
            upload, partNumbers: numbers, options: PresignOptions()
        ).count
    }
}
