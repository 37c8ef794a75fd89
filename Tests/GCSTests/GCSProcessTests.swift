import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// The real server in front of the oracle: its callers have no credentials; killed, ended, used up.
@Suite(.timeLimit(.minutes(10))) struct GCSProcessTests {
    @Test(arguments: BlobStoreBehaviour.all)
    func `gcs through the socket`(_ behaviour: BlobStoreBehaviour) async throws {
        let daemon = try await GCSDaemon()
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        try await behaviour.run(BehaviourContext(store: client, base: daemon.uri("base")))
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
        #expect(daemon.notes() == [])
    }

    @Test func `a mount of gcs serves the place it names`() async throws {
        let daemon = try await GCSDaemon(mount: true)
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        let mounted = BlobURI(scheme: .blob, container: "bucket", key: "a/b")
        try await client.put(mounted, Bytes(utf8: "mounted"))
        #expect(try await client.get(daemon.uri("a/b")) == Bytes(utf8: "mounted"))
        let page = try await client.list(
            BlobURI(scheme: .blob, container: "bucket", key: ""), options: ListOptions())
        #expect(page.entries.map(\.uri) == [mounted])
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `several services are served at once`() async throws {
        let daemon = try await GCSDaemon()
        let server = try await daemon.start(["--s3-endpoint", "http://127.0.0.1:1"])
        let client = try await BlobClient.connect(path: server.socketPath)
        try await client.put(daemon.uri("blob"), Bytes(utf8: "x"))
        // Known, though nobody is at home there; and what is not served is not.
        let s3 = BlobURI(scheme: .s3, container: "bucket", key: "k")
        let capabilities = try await client.capabilities(of: s3, options: CallOptions())
        #expect(capabilities.operations.contains(.presignUploadParts))
        await expectError(.unsupportedBackend) {
            _ = try await client.head(BlobURI(scheme: .az, container: "container", key: "k"))
        }
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `CM-14 kill -9 in a put of many parts leaves nothing after the next start`()
        async throws
    {
        let daemon = try await GCSDaemon()
        let first = try await daemon.start()
        let client = try await BlobClient.connect(path: first.socketPath)
        let put = try await daemon.beginPut(client, "blob")
        #expect(daemon.notes().count == 1)
        first.kill(9)
        #expect(await first.waitUntilExit() == -9)
        await #expect(throws: BlobError.self) { try await put.value }
        await client.close()
        // Nothing is to be seen, but the parts are there and would be paid for.
        let key = daemon.uri("blob").key
        #expect(try await daemon.service.head(key) == nil)
        #expect(try await daemon.service.uploads(prefix: key).count == 1)

        let second = try await daemon.start()
        while try await !daemon.service.uploads(prefix: key).isEmpty {}
        #expect(try await daemon.service.head(key) == nil)
        let successor = try await BlobClient.connect(path: second.socketPath)
        let body = SeededBody(seed: 2, byteCount: 11 << 20).bytes
        _ = try await successor.put(daemon.uri("blob"), body)
        #expect(try await successor.get(daemon.uri("blob")) == body)
        await successor.close()
        second.kill(15)
        #expect(await second.waitUntilExit() == 0)
        #expect(daemon.notes() == [])
        #expect(try await daemon.service.uploads(prefix: key).isEmpty)
    }

    @Test func `a server that is told to end gives up what it had begun`() async throws {
        let daemon = try await GCSDaemon()
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        let put = try await daemon.beginPut(client, "blob")
        server.kill(15)
        await #expect(throws: BlobError.self) { try await put.value }
        #expect(await server.waitUntilExit() == 0)
        await client.close()
        #expect(try await daemon.service.keys(prefix: daemon.prefix) == [])
        #expect(try await daemon.service.uploads(prefix: daemon.prefix).isEmpty)
        #expect(daemon.notes() == [])
    }

    /// CM-14: the second hundred of cancelled calls must not cost what the first did not.
    @Test func `cancelled gets and puts leave no descriptor open and no upload`() async throws {
        let daemon = try await GCSDaemon()
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        _ = try await client.put(
            daemon.uri("blob"), SeededBody(seed: 1, byteCount: 20 << 20).bytes)
        try await HeldPuts.cancel(
            30, by: client, blob: daemon.uri("blob"), target: daemon.uri,
            condition: { $0 % 4 == 1 ? .createOnly : .overwrite })
        let before = try server.openDescriptorCount()
        try await HeldPuts.cancel(
            60, by: client, blob: daemon.uri("blob"), target: daemon.uri,
            condition: { $0 % 4 == 1 ? .createOnly : .overwrite })
        // Connections that wait for the next request come and go, a few at a time.
        while try server.openDescriptorCount() > before + 16 { await Task.yield() }
        while try await !daemon.service.uploads(prefix: daemon.prefix).isEmpty {}
        #expect(try await client.get(daemon.uri("blob")).count == 20 << 20)
        #expect(try await daemon.service.keys(prefix: daemon.prefix).count == 1)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
