import BlobCore
import BlobRPCClient
import BlobRPCServer
import Foundation
import LinuxIO
import Synchronization
import TestKit
import Testing

@testable import BlobWire

/// Peers that stop in the middle or never read: they lose their own connection at most.
@Suite(.timeLimit(.minutes(10))) struct HostilePeerTests {
    private func data(_ peer: RawPeer, _ streamID: UInt32, _ byteCount: Int) -> [UInt8] {
        peer.frame(
            FrameHeader(type: .data, streamID: streamID),
            payload: [UInt8](repeating: 1, count: byteCount))
    }

    @Test func `a peer that disconnects in the middle of a put leaves nothing`() async throws {
        let server = try TestServer(wrapping: { ObservedStore($0) })
        let store = try #require(server.served as? ObservedStore)
        var peer: RawPeer? = try await RawPeer.open(path: server.socketPath)
        let uri = try server.uri("half")
        let id = try #require(
            try await peer?.call(.put(uri, PutOptions(), bodyByteCount: 4 << 20), flags: []))
        // As much as the first credit allows, so that the server begins to write it to the disk.
        if let peer {
            for _ in 0..<16 { try await peer.write(data(peer, id, 64 << 10)) }
        }
        let root = server.rootPath
        try await TreeWatch(root).wait { !Self.files(below: root).isEmpty }
        peer = nil
        let put = try await store.firstPut()
        #expect(put.wasCancelled)
        #expect(put.bodyError == .connectionLost)
        try await TreeWatch(root).wait { Self.files(below: root).isEmpty }
        let client = try await server.connect()
        let error = await #expect(throws: BlobError.self) { try await client.head(uri) }
        #expect(error?.code == .notFound)
        await client.close()
        await server.stop()
    }

    private static func files(below path: String) -> [String] {
        let enumerator = FileManager.default.enumerator(atPath: path)
        var files: [String] = []
        while let name = enumerator?.nextObject() as? String {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(
                atPath: "\(path)/\(name)", isDirectory: &isDirectory)
            let isLock = name.hasSuffix("/owner") || name.hasSuffix("/lock")
            if !isDirectory.boolValue, !isLock { files.append(name) }
        }
        return files
    }

    /// With the larger buffer the server's turn is over before the socket is full; Linux then calls
    /// it writable again only when three quarters of it are free.
    @Test(arguments: [4096, 256 << 10])
    func `W-53 a peer that never reads is closed and others go on`(
        _ sendBufferByteCount: Int32
    ) async throws {
        let server = try TestServer { listener in
            listener.timeouts.writeStall = .milliseconds(300)
            listener.sendBufferByteCount = sendBufferByteCount
        }
        let client = try await server.connect()
        let uri = try server.uri("large")
        try await client.put(uri, Bytes([UInt8](repeating: 3, count: 8 << 20)))
        let peer = try await RawPeer.open(path: server.socketPath)
        try await peer.call(.get(uri, GetOptions()))
        // It never reads. The client beside it is served all the time.
        #expect(try await client.get(uri).count == 8 << 20)
        try await peer.waitUntilClosed()
        #expect(server.server.metrics.snapshot["connections.closed.PEER_STALLED"] == 1)
        #expect(try await client.get(uri).count == 8 << 20)
        await client.close()
        await server.stop()
    }

    /// The loop is held up until the violation has come and the next look at the clock is due, so that
    /// both fall into one turn: as on a machine that has much to do.
    @Test func `W-57 why a connection ends is told although its times are checked just then`()
        async throws
    {
        let isFirst = Atomic(true)
        let held = Event()
        let mayGoOn = DispatchSemaphore(value: 0)
        var calls = SystemCalls.live
        calls.receiveMessage = { socket, message, flags in
            let result = SystemCalls.live.receiveMessage(socket, message, flags)
            if isFirst.exchange(false, ordering: .relaxed) {
                held.signal()
                mayGoOn.wait()
                // Until the check is due, 5 ms after the connection began: it is the kernel's clock that
                // has to go on, and this thread alone is to stand still.
                usleep(20_000)
            }
            return result
        }
        let server = try TestServer(systemCalls: calls) {
            $0.timeouts.partialFrame = .milliseconds(20)
        }
        let peer = try RawPeer(path: server.socketPath)
        try await peer.write(Preface.bytes)
        try await held.wait()
        try await peer.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        mayGoOn.signal()
        #expect(try await peer.readGoAwayCode() == .badFrame)
        await server.stop()
    }

    @Test func `W-51 a put whose bytes stop coming ends with STALLED`() async throws {
        let server = try TestServer { $0.timeouts.streamProgress = .milliseconds(200) }
        let peer = try await RawPeer.open(path: server.socketPath)
        let id = try await peer.call(
            .put(try server.uri("x"), PutOptions(), bodyByteCount: 1 << 20), flags: [])
        try await peer.write(data(peer, id, 1000))
        let answer = try #require(try await peer.read(until: .response))
        #expect(try RawPeer.status(answer) == .stalled)
        await server.stop()
    }

    @Test func `W-50 a call past its deadline ends with DEADLINE_EXCEEDED`() async throws {
        let server = try TestServer()
        let peer = try await RawPeer.open(path: server.socketPath)
        let request = try peer.request(
            .put(try server.uri("x"), PutOptions(), bodyByteCount: 10), flags: [],
            timeout: .milliseconds(100))
        try await peer.write(request.bytes)
        let answer = try #require(try await peer.read(until: .response))
        #expect(try RawPeer.status(answer) == .deadlineExceeded)
        await server.stop()
    }

    @Test func `W-21 a call over the limit is refused and the others are answered`() async throws {
        let server = try TestServer { $0.limits.maximumStreamCount = 2 }
        let peer = try await RawPeer.open(path: server.socketPath)
        for name in ["a", "b"] {
            try await peer.call(
                .put(try server.uri(name), PutOptions(), bodyByteCount: 9), flags: [])
        }
        let third = try await peer.call(.info)
        let refusal = try #require(try await peer.read(until: .response))
        #expect(refusal.header.streamID == third)
        #expect(try RawPeer.status(refusal) == .refused)
        // A slot becomes free when its call has ended: W-25 says so with RESET.
        try await peer.write(peer.frame(FrameHeader(type: .reset, streamID: 1)))
        let confirmed = try #require(try await peer.read(until: .reset))
        #expect(confirmed.header.streamID == 1)
        let fourth = try await peer.call(.info)
        let answer = try #require(try await peer.read(until: .response))
        #expect(answer.header.streamID == fourth)
        #expect(try RawPeer.status(answer).rawValue == 0)
        await server.stop()
    }

    @Test func `W-22 a put without a body is not a put of no bytes`() async throws {
        let server = try TestServer()
        let peer = try await RawPeer.open(path: server.socketPath)
        let uri = try server.uri("empty")
        let put = BlobRequest.Arguments.put(uri, PutOptions(), bodyByteCount: nil)
        try await peer.call(put, flags: [.end, .noData])
        let refused = try #require(try await peer.read(until: .response))
        #expect(try RawPeer.status(refused) == .invalidArgument)
        try await peer.call(put, flags: [.end])
        let written = try #require(try await peer.read(until: .response))
        #expect(try RawPeer.status(written).rawValue == 0)
        await server.stop()
    }

    @Test func `W-56 shutdown answers what runs and refuses what comes`() async throws {
        let server = try TestServer()
        let peer = try await RawPeer.open(path: server.socketPath)
        let put = try await peer.call(
            .put(try server.uri("late"), PutOptions(), bodyByteCount: 4), flags: [])
        try await peer.call(.info)
        _ = try await peer.read(until: .response)
        async let stopped: Void = server.stop()
        let goAway = try #require(try await peer.read(until: .goAway))
        #expect(goAway.header.auxiliary == 3)
        let refusedCall = try await peer.call(.info)
        let refusal = try #require(try await peer.read(until: .response))
        #expect(refusal.header.streamID == refusedCall)
        #expect(try RawPeer.status(refusal) == .shuttingDown)
        try await peer.write(
            peer.frame(FrameHeader(type: .data, flags: .end, streamID: put), payload: [1, 2, 3, 4]))
        let written = try #require(try await peer.read(until: .response))
        #expect(written.header.streamID == put)
        #expect(try RawPeer.status(written).rawValue == 0)
        #expect(try await peer.read() == nil)
        await stopped
        #expect(!FileManager.default.fileExists(atPath: server.socketPath))
    }

    @Test func `descriptors that were not agreed on close the connection`() async throws {
        let server = try TestServer()
        let peer = try await RawPeer.open(path: server.socketPath)
        let sent = peer.sendDescriptor()
        if sent {
            #expect(try await peer.readGoAwayCode() == .descriptorViolation)
        }
        // Where the kernel refuses at the sender (SO_PASSRIGHTS), there is nothing to close.
        await server.stop()
    }
}
