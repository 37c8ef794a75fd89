import BlobCore
import BlobRPCClient
import BlobRPCServer
import BlobWire
import Synchronization
import TestKit
import Testing

/// Calls that end in other ways than with their answer.
@Suite(.timeLimit(.minutes(10))) struct LifecycleTests {
    @Test func `W-25 cancelling a put cancels its handler on the server`() async throws {
        let server = try TestServer(wrapping: { ObservedStore($0) })
        let store = try #require(server.served as? ObservedStore)
        let client = try await server.connect()
        let uri = try server.uri("never")
        let (pieces, begun) = AsyncStream<Bytes>.makeStream()
        begun.yield(Bytes([1, 2, 3]))
        let put = Task {
            try await client.put(uri, body: BlobBody(pieces), options: PutOptions())
        }
        // The store has begun to write: now there is something to cancel.
        try await store.bodyBegan.wait()
        put.cancel()
        let result = await put.result
        let error = #expect(throws: BlobError.self) { try result.get() }
        #expect(error?.code == .cancelled)
        let ended = try await store.firstPut()
        #expect(ended.wasCancelled, "the task that serves the put")
        #expect(ended.bodyError == .cancelled, "what its body says")
        #expect(ended.error == .cancelled, "what the store answers")
        let missing = await #expect(throws: BlobError.self) { try await client.head(uri) }
        #expect(missing?.code == .notFound)
        begun.finish()
        await client.close()
        await server.stop()
    }

    @Test func `a call past its time limit ends with deadlineExceeded`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let (pieces, begun) = AsyncStream<Bytes>.makeStream()
        begun.yield(Bytes([1]))
        var options = PutOptions()
        options.call.timeout = .milliseconds(100)
        let uri = try server.uri("late")
        let error = await #expect(throws: BlobError.self) {
            try await client.put(uri, body: BlobBody(pieces), options: options)
        }
        #expect(error?.code == .deadlineExceeded)
        begun.finish()
        await client.close()
        await server.stop()
    }

    @Test func `calls on a connection that dies fail with a typed error`() async throws {
        let server = try TestServer()
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(200)
        let client = try await server.connect(configuration)
        let (pieces, begun) = AsyncStream<Bytes>.makeStream()
        begun.yield(Bytes([1]))
        let uri = try server.uri("x")
        let put = Task {
            try await client.put(uri, body: BlobBody(pieces), options: PutOptions())
        }
        _ = try await client.serverInfo()
        await server.stop()
        begun.finish()
        let putResult = await put.result
        _ = putResult
        let error = await #expect(throws: BlobError.self) { try await client.head(uri) }
        #expect(error?.code == .connectionLost)
        await client.close()
    }

    @Test func `the client connects anew and repeats what is safe`() async throws {
        let directory = try TemporaryDirectory()
        let socket = "\(directory.path)/s"
        let root = "\(directory.path)/root"
        let first = try await ServerProcess.start(socketPath: socket, rootPath: root)
        let client = try await BlobClient.connect(path: socket)
        let uri = try BlobURI(parsing: "file://\(root)/kept")
        try await client.put(uri, Bytes([1, 2, 3]))
        let instance = try await client.serverInfo().instanceID
        first.kill(9)
        #expect(await first.waitUntilExit() == -9)
        async let second = ServerProcess.start(socketPath: socket, rootPath: root)
        // The old connection is dead; the call waits for the new server.
        #expect(try await client.get(uri) == [1, 2, 3])
        #expect(try await client.serverInfo().instanceID != instance)
        let server = try await second
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
        await client.close()
    }

    @Test func `W-56 a second signal ends the wait for running calls`() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("drainSeconds: 86400\n", to: "configuration.yaml")
        let root = "\(directory.path)/root"
        let server = try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: root,
            arguments: ["--config", "\(directory.path)/configuration.yaml"])
        let client = try await BlobClient.connect(path: server.socketPath)
        let source = HeldSource(
            SeededBody(seed: 1, byteCount: 1 << 20).source(pieceByteCount: 1 << 16), pieceCount: 2)
        let uri = try BlobURI(parsing: "file://\(root)/blob")
        let put = Task {
            try await client.put(
                uri, body: .stream(source, byteCount: nil), options: PutOptions())
        }
        try await source.isHeld.wait()
        server.kill(15)
        // The socket goes when the first signal was understood.
        while directory.names(in: ".").contains("s") { await Task.yield() }
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
        await #expect(throws: BlobError.self) { try await put.value }
        await client.close()
        #expect(directory.names(in: "root").filter { !$0.hasPrefix(".") } == [])
    }

    @Test func `a read that is given up frees its slot`() async throws {
        let server = try TestServer { $0.limits.maximumStreamCount = 2 }
        let client = try await server.connect()
        let uri = try server.uri("large")
        try await client.put(uri, Bytes([UInt8](repeating: 1, count: 16 << 20)))
        for _ in 0..<20 {
            let read = try await client.read(uri)
            _ = try await read.source.next()
            // Dropped here, with most of its bytes unread.
        }
        #expect(try await client.get(uri).count == 16 << 20)
        await client.close()
        await server.stop()
    }

    @Test func `a closed client refuses calls`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        await client.close()
        let uri = try server.uri("x")
        let error = await #expect(throws: BlobError.self) { try await client.head(uri) }
        #expect(error?.code == .cancelled)
        await server.stop()
    }

    @Test func `no server is a typed error that says what to do`() async throws {
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .milliseconds(50)
        let error = await #expect(throws: BlobError.self) {
            try await BlobClient.connect(
                path: "/nonexistent/blobrpc.sock", configuration: configuration)
        }
        #expect(error?.code == .connectionLost)
        #expect(error?.message.contains("blobrpcd") == true)
    }

    @Test func `a time limit and a cancellation end the wait for a server`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        let uri = try server.uri("x")
        await server.stop()
        // The default connect timeout is 5 s: the call's own limit ends it long before.
        var options = GetOptions()
        options.call.timeout = .milliseconds(50)
        let late = await #expect(throws: BlobError.self) {
            try await client.head(uri, options: options)
        }
        #expect(late?.code == .deadlineExceeded)
        let waiting = Task { try await client.head(uri) }
        waiting.cancel()
        let result = await waiting.result
        let cancelled = #expect(throws: BlobError.self) { try result.get() }
        #expect(cancelled?.code == .cancelled)
        await client.close()
    }

    @Test func `streamed puts from the default executor send their body`() async throws {
        let server = try TestServer()
        let client = try await server.connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                let uri = try server.uri("streamed-\(index)")
                group.addTask {
                    let body = SeededBody(seed: UInt64(index), byteCount: 40_000)
                    let source = body.source(pieceByteCount: 8_000)
                    try await client.put(
                        uri, body: .stream(source, byteCount: nil), options: PutOptions())
                    let stored = try await client.get(uri)
                    #expect(stored == body.bytes)
                }
            }
            try await group.waitForAll()
        }
        await client.close()
        await server.stop()
    }
}
