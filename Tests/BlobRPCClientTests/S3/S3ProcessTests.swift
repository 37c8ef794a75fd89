import BlobCore
import BlobRPCClient
import TestKit
import Testing

/// The real server in front of real S3 servers: killed, ended and used up.
@Suite(.timeLimit(.minutes(5))) struct S3ProcessTests {
    @Test(arguments: S3TestServer.Kind.allCases)
    func `CM-14 kill -9 in a put of many parts leaves nothing after the next start`(
        _ kind: S3TestServer.Kind
    ) async throws {
        let daemon = try await S3Daemon(kind)
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

    @Test(arguments: S3TestServer.Kind.allCases)
    func `a server that is told to end gives up what it had begun`(
        _ kind: S3TestServer.Kind
    ) async throws {
        let daemon = try await S3Daemon(kind)
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
    @Test(arguments: S3TestServer.Kind.allCases)
    func `cancelled gets and puts leave no descriptor open and no upload`(
        _ kind: S3TestServer.Kind
    ) async throws {
        let daemon = try await S3Daemon(kind)
        let server = try await daemon.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        _ = try await client.put(
            daemon.uri("blob"), SeededBody(seed: 1, byteCount: 20 << 20).bytes)
        try await HeldPuts.cancel(
            50, by: client, blob: daemon.uri("blob"), target: daemon.uri)
        let before = try server.openDescriptorCount()
        try await HeldPuts.cancel(
            100, by: client, blob: daemon.uri("blob"), target: daemon.uri)
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
