import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// `blobrpcd` as a process of its own with the oracle behind it.
struct AzureDaemon: Sendable {
    let service: CloudTestServer
    let directory: TemporaryDirectory
    /// What every key of the test begins with, without a slash at its end.
    let prefix: String

    /// - Parameter mount: Whether the place is mounted as `place`, too.
    init(_ identity: AzureFixture.Identity = .key, mount: Bool = false) async throws {
        service = try await CloudTestServer.shared(.azure)
        directory = try TemporaryDirectory()
        prefix = service.freshPrefix()
        let azure = try #require(service.description.azure)
        let mounts =
            mount ? "mounts:\n  place: az://\(service.description.bucket)/\(prefix)/\n" : ""
        let lines =
            switch identity {
            case .key:
                ["endpoint: \(service.description.endpoint)", "accountKey: \(azure.accountKey)"]
            case .token:
                [
                    "endpoint: \(service.description.tlsEndpoint)",
                    "certificateFile: \(service.description.certificateAuthorityFile)",
                    "tenantID: \(azure.admin.tenantID)", "clientID: \(azure.admin.clientID)",
                    "clientSecret: \"\(azure.admin.clientSecret)\"",
                    "authorityHost: \(azure.admin.authorityHost)",
                ]
            }
        try directory.write(
            """
            drainSeconds: 1
            \(mounts)azure:
              \(lines.joined(separator: "\n  "))
              partBytes: 5242880

            """, to: "configuration.yaml")
    }

    func start(_ arguments: [String] = []) async throws -> ServerProcess {
        try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: "\(directory.path)/root",
            arguments: ["--config", "\(directory.path)/configuration.yaml"] + arguments)
    }

    /// Runs `body` with a client of a server that ends well afterwards.
    func with(_ body: (BlobClient) async throws -> Void) async throws {
        let server = try await start()
        let client = try await BlobClient.connect(path: server.socketPath)
        try await body(client)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    func key(_ key: String) -> String { "\(prefix)/\(key)" }

    func uri(_ key: String) -> BlobURI {
        BlobURI(scheme: .az, container: service.description.bucket, key: self.key(key))
    }

    /// Begins a put that stops in the middle of its body, and waits until the service has two blocks.
    func beginPut(
        _ client: BlobClient, _ key: String
    ) async throws -> Task<Void, any Error> {
        let put = HeldPuts.begin(by: client, to: uri(key))
        _ = try await service.requests("^PUT .*\(self.key(key))\\?comp=block&", atLeast: 2)
        return put
    }
}
