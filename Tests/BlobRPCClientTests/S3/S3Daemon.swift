import BlobCore
import BlobRPCClient
import TestKit

/// `blobrpcd` as a process of its own with one of the real S3 servers behind it.
struct S3Daemon: Sendable {
    let service: S3TestServer
    let directory: TemporaryDirectory
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    init(_ kind: S3TestServer.Kind) async throws {
        service = try await S3TestServer.shared(kind)
        directory = try TemporaryDirectory()
        prefix = service.freshPrefix()
        try directory.write(
            """
            drainSeconds: 1
            s3:
              endpoint: \(service.description.endpoint)
              region: \(service.description.region)
              accessKeyID: "\(service.description.accessKeyID)"
              secretAccessKey: "\(service.description.secretAccessKey)"
              partBytes: 5242880
              journalDirectory: \(directory.path)/journal

            """, to: "configuration.yaml")
    }

    func start() async throws -> ServerProcess {
        try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: "\(directory.path)/root",
            arguments: ["--config", "\(directory.path)/configuration.yaml"])
    }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .s3, container: service.description.bucket, key: "\(prefix)/\(key)")
    }

    /// Begins a put that stops in the middle of its body, and waits until the service has two parts.
    func beginPut(
        _ client: BlobClient, _ key: String
    ) async throws -> Task<Void, any Error> {
        let target = uri(key)
        let put = HeldPuts.begin(by: client, to: target)
        // Asked until it is so; the suite's time limit bounds that.
        while try await partCount(target.key) < 2 {}
        return put
    }

    private func partCount(_ key: String) async throws -> Int {
        struct Answer: Decodable, Sendable {
            struct Part: Decodable, Sendable { let PartNumber: Int }
            let Parts: [Part]?
        }
        guard let upload = try await service.uploads(prefix: key).first else { return 0 }
        let answer = try await service.call(
            "list_parts",
            [
                "Bucket": .text(service.description.bucket), "Key": .text(upload.key),
                "UploadId": .text(upload.identifier),
            ], as: Answer.self)
        return answer.Parts?.count ?? 0
    }

    /// The notes of uploads under way, of all processes.
    func notes() -> [String] { directory.uploadNotes(in: "journal") }
}
