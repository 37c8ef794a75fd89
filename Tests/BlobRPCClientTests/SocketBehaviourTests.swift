import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// The list that every store is held to, run through the socket: the same functions, the same names.
@Suite(.timeLimit(.minutes(10))) struct SocketBehaviourTests {
    @Test(arguments: BlobStoreBehaviour.all)
    func `local store through the socket`(_ behaviour: BlobStoreBehaviour) async throws {
        let server = try TestServer()
        let client = try await server.connect()
        try await behaviour.run(
            BehaviourContext(store: client, base: try server.uri("base")))
        await client.close()
        await server.stop()
    }

    @Test(arguments: BlobStoreBehaviour.all)
    func `mount through the socket`(_ behaviour: BlobStoreBehaviour) async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let base = BlobURI(scheme: .blob, container: "data", key: "base")
        try await behaviour.run(BehaviourContext(store: client, base: base))
        await client.close()
        await server.stop()
    }
}
