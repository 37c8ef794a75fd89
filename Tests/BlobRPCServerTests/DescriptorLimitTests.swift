import BlobCore
import BlobRPCClient
import BlobWire
import TestKit
import Testing

/// The server program with a real limit on its descriptors.
@Suite(.timeLimit(.minutes(10))) struct DescriptorLimitTests {
    private func ping(_ peer: RawPeer) async throws {
        try await peer.write(peer.frame(FrameHeader(type: .ping)))
        _ = try #require(try await peer.read(until: .pong))
    }

    private func shakeHands(_ peer: RawPeer) async throws {
        try await peer.write(Preface.bytes + peer.hello())
        _ = try #require(try await peer.read(until: .hello))
    }

    @Test func `without descriptors the connected are served, the others wait`() async throws {
        let directory = try TemporaryDirectory()
        // One loop: an answer to a call tells that whatever happened before it was noticed.
        try directory.write("eventLoops: 1\n", to: "configuration.yaml")
        let root = "\(directory.path)/root"
        let server = try await ServerProcess.start(
            socketPath: "\(directory.path)/s", rootPath: root,
            arguments: ["--config", "\(directory.path)/configuration.yaml"])
        let client = try await BlobClient.connect(path: server.socketPath)
        let uri = try BlobURI(parsing: "file://\(root)/blob")
        try await client.put(uri, Bytes([1, 2, 3]))
        // The put is answered when its file is closed, and the pool has what it needs.
        let admittedCount = 6
        try server.limitDescriptors(freeCount: admittedCount)
        var admitted: [RawPeer] = []
        for _ in 0..<admittedCount {
            admitted.append(try await RawPeer.open(path: server.socketPath))
        }
        let waiting = try [RawPeer(path: server.socketPath), RawPeer(path: server.socketPath)]
        for peer in admitted { try await ping(peer) }
        let counters = try await client.serverInfo().counters
        #expect((counters["accept.paused"] ?? 0) >= 1)
        #expect(counters["connections.accepted"] == UInt64(admittedCount) + 1)
        // A file cannot be opened either: a typed error that asks to try again, and nothing is lost.
        let error = await #expect(throws: BlobError.self) { try await client.get(uri) }
        #expect(error?.code == .overloaded)
        _ = try await client.ping()
        #expect(admitted.popLast() != nil)
        #expect(admitted.popLast() != nil)
        #expect(admitted.popLast() != nil)
        // Those who waited get in, and one descriptor is left over for files.
        for peer in waiting { try await shakeHands(peer) }
        #expect(try await client.get(uri) == [1, 2, 3])
        try await client.put(uri, Bytes([4]))
        for peer in admitted + waiting { try await ping(peer) }
        #expect(
            try await client.serverInfo().counters["connections.accepted"]
                == UInt64(admittedCount + waiting.count) + 1)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    /// A server that may open 128 descriptors, with a trusted socket and `untrustedCount` others.
    private func limitedServer(
        _ directory: TemporaryDirectory, untrustedCount: Int
    ) async throws -> (server: ServerProcess, untrustedPaths: [String]) {
        let paths = (0..<untrustedCount).map { "\(directory.path)/u\($0)" }
        let root = "\(directory.path)/root"
        try directory.write(
            "eventLoops: 1\ndrainSeconds: 0\nmounts: {data: 'file://\(root)/data'}\nlisteners:\n"
                + "  - path: \(directory.path)/s\n"
                + paths.map {
                    // Times that a loaded machine does not meet by chance.
                    "  - {path: \($0), handshakeSeconds: 300, streamProgressSeconds: 300,"
                        + " writeStallSeconds: 300, policy: {trust: untrusted, mounts: [data]}}\n"
                }.joined(),
            to: "configuration.yaml")
        let server = try await ServerProcess.start(
            socketPath: "\(directory.path)/s",
            command: [
                "/bin/sh", "-c", "ulimit -n 128; exec \"$@\"", "sh",
                "\(ServerProcess.productsDirectory)/blobrpcd", "--root", root,
                "--config", "\(directory.path)/configuration.yaml", "--log-level", "error",
            ])
        return (server, paths)
    }

    private let blob = BlobURI(scheme: .blob, container: "data", key: "blob")

    /// A trusted client gets in, and its calls have the descriptors they need.
    private func useTrusted(_ server: ServerProcess) async throws {
        let client = try await BlobClient.connect(path: server.socketPath)
        try await client.put(blob, Bytes([1, 2, 3]))
        #expect(try await client.get(blob) == [1, 2, 3])
        #expect(try await client.serverInfo().counters["accept.paused"] == nil)
        await client.close()
    }

    @Test func `connections of untrusted sockets leave half of the descriptors`() async throws {
        let directory = try TemporaryDirectory()
        let (server, paths) = try await limitedServer(directory, untrustedCount: 6)
        var admitted: [RawPeer] = []
        // Six sockets admit 96 connections between them, by their own limits.
        for index in 0..<96 {
            let peer = try RawPeer(path: paths[index % paths.count])
            guard index >= 64 else {
                try await shakeHands(peer)
                admitted.append(peer)
                continue
            }
            #expect(try await peer.readGoAwayCode() == .overloaded)
        }
        try await useTrusted(server)
        for peer in admitted { try await ping(peer) }
        // Whoever goes makes room for somebody of another socket.
        #expect(admitted.popLast() != nil)
        try await useTrusted(server)
        try await shakeHands(try RawPeer(path: paths[0]))
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }

    @Test func `calls of untrusted sockets leave half of the descriptors`() async throws {
        let directory = try TemporaryDirectory()
        let (server, paths) = try await limitedServer(directory, untrustedCount: 2)
        let large = blob.replacingKey("large")
        let client = try await BlobClient.connect(path: server.socketPath)
        try await client.put(large, SeededBody(seed: 1, byteCount: 4 << 20).bytes)
        var limits = ConnectionLimits()
        limits.streamCreditByteCount = 16 << 10
        let peer = try await RawPeer.open(path: paths[0], limits: limits)
        let other = try await RawPeer.open(path: paths[1])
        let idleCount = try server.openDescriptorCount()
        // 2 connections, and 3 descriptors a call: 20 calls that nobody reads fit into 64.
        for _ in 0..<20 {
            try await peer.call(.get(large, GetOptions()))
            _ = try #require(try await peer.read(until: .data))
        }
        #expect((20...60).contains(try server.openDescriptorCount() - idleCount))
        #expect(try await peer.error(.info)?.code == .overloaded)
        #expect(try await other.error(.head(large, GetOptions()))?.code == .overloaded)
        try await useTrusted(server)
        // A call that ends makes room for one of another socket.
        try await peer.write(peer.frame(FrameHeader(type: .reset, streamID: 1)))
        _ = try #require(try await peer.read(until: .reset))
        #expect(try await other.error(.head(large, GetOptions())) == nil)
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}
