import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// `blobrpcd` as a process of its own with the oracle behind it.
struct GCSDaemon: Sendable {
    let service: CloudTestServer
    let directory: TemporaryDirectory
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    /// - Parameter mount: Whether the place is mounted as `bucket`, too.
    init(mount: Bool = false) async throws {
        service = try await CloudTestServer.shared(.gcs)
        directory = try TemporaryDirectory()
        prefix = service.freshPrefix()
        let google = try #require(service.description.google)
        let file: String = try #require(google.admin.files["serviceAccount"])
        let mounts =
            mount ? "mounts:\n  bucket: gs://\(service.description.bucket)/\(prefix)/\n" : ""
        try directory.write(
            """
            drainSeconds: 1
            \(mounts)gcs:
              endpoint: \(service.description.endpoint)
              iamEndpoint: \(google.iamEndpoint)
              credentialsFile: \(file)
              partBytes: 5242880
              journalDirectory: \(directory.path)/journal

            """, to: "configuration.yaml")
    }

    func start(_ arguments: [String] = []) async throws -> ServerProcess {
        try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: "\(directory.path)/root",
            arguments: ["--config", "\(directory.path)/configuration.yaml"] + arguments)
    }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .gs, container: service.description.bucket, key: "\(prefix)/\(key)")
    }

    /// Begins a put that stops in the middle of its body, and waits until the service has two parts.
    func beginPut(
        _ client: BlobClient, _ key: String
    ) async throws -> Task<Void, any Error> {
        let target = uri(key)
        let put = HeldPuts.begin(by: client, to: target)
        // Asked until it is so; the suite's time limit bounds that.
        while try await service.uploads(prefix: target.key).first?.parts.count ?? 0 < 2 {}
        return put
    }

    /// The notes of uploads under way, of all processes.
    func notes() -> [String] { directory.uploadNotes(in: "journal") }
}
