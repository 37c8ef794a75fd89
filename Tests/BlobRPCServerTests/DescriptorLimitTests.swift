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
        #expect(server.waitUntilExit() == 0)
    }
}
