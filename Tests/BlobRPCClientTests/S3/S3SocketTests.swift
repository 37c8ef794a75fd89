import BlobCore
import BlobRPCClient
import CloudBackends
import TestKit
import Testing

/// The list that every store is held to, run against real S3 servers through our socket: the caller
/// has no credentials.
@Suite(.timeLimit(.minutes(10))) struct S3SocketTests {
    @Test(arguments: S3TestServer.Kind.allCases, BlobStoreBehaviour.all)
    func `s3 through the socket`(
        _ kind: S3TestServer.Kind, _ behaviour: BlobStoreBehaviour
    ) async throws {
        let service = try await S3TestServer.shared(kind)
        let server = try TestServer(s3: S3Configuration(of: service))
        let client = try await server.connect()
        let base = BlobURI(
            scheme: .s3, container: service.description.bucket, key: service.freshPrefix())
        try await S3ServerDefects.expecting(kind, behaviour.name) {
            try await behaviour.run(
                BehaviourContext(
                    store: client, base: base, raceCount: S3ServerDefects.raceCount))
        }
        await client.close()
        await server.stop()
    }

    @Test(arguments: BlobStoreBehaviour.all)
    func `a mount of s3 through the socket`(_ behaviour: BlobStoreBehaviour) async throws {
        let service = try await S3TestServer.shared(.seaweedfs)
        let place = BlobURI(
            scheme: .s3, container: service.description.bucket, key: service.freshPrefix() + "/")
        let server = try TestServer(
            s3: S3Configuration(of: service), mounts: ["bucket": place])
        let client = try await server.connect()
        let base = BlobURI(scheme: .blob, container: "bucket", key: "base")
        try await S3ServerDefects.expecting(.seaweedfs, behaviour.name) {
            try await behaviour.run(
                BehaviourContext(
                    store: client, base: base, raceCount: S3ServerDefects.raceCount))
        }
        await client.close()
        await server.stop()
    }
}
