import BlobCore
import BlobRPCClient
import LinuxIO
import TestKit
import Testing

/// docs/multipart.md, on every store: in process, and through the socket of a real `blobrpcd`.
@Suite(.timeLimit(.minutes(10))) struct UniformMultipartTests {
    @Test(arguments: UniformStore.all, UniformMultipart.all)
    func `direct`(_ store: UniformStore, _ expectation: UniformMultipart) async throws {
        let directory = try TemporaryDirectory()
        let place = try await store.open(directory)
        let pool = BlockingPool(name: "uniform", threadCount: 2)
        defer { pool.shutdown() }
        let backend = try place.makeBackend(pool)
        let result: Result<Void, any Error>
        do {
            try await expectation.run(
                UniformContext(
                    store: backend.store, base: place.base, uploader: place.uploader,
                    differences: place.differences))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await backend.close()
        try result.get()
    }

    @Test(arguments: UniformStore.all, UniformMultipart.all)
    func `through the socket`(
        _ store: UniformStore, _ expectation: UniformMultipart
    ) async throws {
        let daemon = try await UniformDaemon(serving: [store])
        let place = daemon.places[0]
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        try await expectation.run(
            UniformContext(
                store: client, base: place.base, uploader: place.uploader,
                differences: place.differences))
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
