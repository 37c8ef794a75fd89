import BlobCore
import TestKit
import Testing

@testable import BlobRPCClient
@testable import BlobWire

/// Servers that stop in the middle or answer nonsense, and clients that are given up on the way.
@Suite(.timeLimit(.minutes(10))) struct ClientStallTests {
    private let server: ScriptedServer
    private let uri = BlobURI(scheme: .blob, container: "data", key: "x")

    init() throws { server = try ScriptedServer() }

    /// A client and the server's end of its connection, after the handshake.
    private func connect(
        stallTimeout: Duration = .seconds(300)
    ) async throws -> (BlobClient, ScriptedPeer) {
        var configuration = ClientConfiguration()
        configuration.stallTimeout = stallTimeout
        configuration.connectTimeout = .seconds(300)
        configuration.maximumAttemptCount = 1
        async let client = BlobClient.connect(path: server.path, configuration: configuration)
        let peer = try await server.accept()
        try peer.writeHello()
        return (try await client, peer)
    }

    @Test func `W-52 half a frame of the server ends the connection, and the server is told`()
        async throws
    {
        let (client, peer) = try await connect(stallTimeout: .milliseconds(100))
        let running = Task { try await client.head(uri) }
        #expect(try await peer.read(until: .request) != nil)
        try peer.write([0, 0, 0, 8, 3])
        let error = await #expect(throws: BlobError.self) { try await running.value }
        #expect(error?.code == .peerStalled)
        #expect(try await peer.readGoAwayCode() == .peerStalled)
        #expect(try await peer.read(until: .request) == nil)
        // The next call looks for a server anew.
        let again = Task { try await client.head(uri) }
        let second = try await server.accept()
        try second.writeHello()
        #expect(try await second.read(until: .request) != nil)
        await client.close()
        _ = await again.result
    }

    @Test func `W-53 a server that does not read ends the connection`() async throws {
        let (client, peer) = try await connect(stallTimeout: .milliseconds(100))
        // More than the buffers of two sockets hold.
        let calls = (0..<16).map { number in
            Task {
                let key = String(repeating: "k", count: 1000) + "\(number)"
                let uri = BlobURI(scheme: .blob, container: "data", key: key)
                let body = BlobBody.bytes(Bytes([UInt8](repeating: 1, count: 1 << 20)))
                return try await client.put(uri, body: body, options: PutOptions())
            }
        }
        for call in calls {
            let error = await #expect(throws: BlobError.self) { try await call.value }
            #expect(error?.code == .peerStalled)
        }
        withExtendedLifetime(peer) {}
        await client.close()
    }

    @Test func `a ping that is not answered ends with its limit or its task`() async throws {
        let (client, peer) = try await connect()
        let late = await #expect(throws: BlobError.self) {
            try await client.ping(options: CallOptions(timeout: .milliseconds(20)))
        }
        #expect(late?.code == .deadlineExceeded)
        let waiting = Task { try await client.ping() }
        for _ in 0..<2 { #expect(try await peer.read(until: .ping) != nil) }
        waiting.cancel()
        let cancelled = await #expect(throws: BlobError.self) { try await waiting.value }
        #expect(cancelled?.code == .cancelled)
        await client.close()
    }

    @Test func `a client that is given up in its handshake leaves nothing`() async throws {
        for _ in 0..<3 {
            let connecting = Task { try await BlobClient.connect(path: server.path) }
            let peer = try await server.accept()
            #expect(try await peer.read(until: .hello) != nil)
            connecting.cancel()
            _ = await connecting.result
            // It ends only when the client has closed its socket.
            #expect(try await peer.read(until: .request) == nil)
        }
    }

    @Test func `closing ends calls on a connection that was retired, too`() async throws {
        let (client, peer) = try await connect()
        let connection = try await client.connector.connection()
        let running = Task { try await client.head(uri) }
        let request = try #require(try await peer.read(until: .request))
        try peer.writeGoAway(.shuttingDown, lastStreamID: request.header.streamID)
        while connection.isUsable { await Task.yield() }
        let next = Task { try await client.head(uri) }
        let second = try await server.accept()
        try second.writeHello()
        #expect(try await second.read(until: .request) != nil)
        await client.close()
        for call in [running, next] {
            let error = await #expect(throws: BlobError.self) { try await call.value }
            #expect(error?.code == .cancelled)
        }
        for peer in [peer, second] { #expect(try await peer.read(until: .request) == nil) }
    }

    @Test(arguments: [[], [0..<2], [1..<3], [0..<3, 0..<3]] as [[Range<UInt64>]])
    func `W-72 an answer that is not about what was asked is no blob`(
        ranges: [Range<UInt64>]
    ) async throws {
        let (client, peer) = try await connect()
        let reading = Task { try await client.get(uri) }
        #expect(try await peer.read(until: .request) != nil)
        let metadata = BlobMetadata(
            byteCount: 3, etag: "e", lastModified: Timestamp(milliseconds: 0))
        let response = try BlobResponse.metadata(metadata, ranges: ranges).encodedPayload()
        try peer.write(FrameHeader(type: .response, streamID: 1), Array(response))
        let trailer = Array(try BlobResponse.done.encodedPayload())
        try peer.write(
            FrameHeader(type: .response, flags: [.end, .trailer], streamID: 1), trailer)
        let error = await #expect(throws: BlobError.self) { try await reading.value }
        #expect(error?.code == .badFrame)
        await client.close()
    }

    @Test func `single bytes that say where they belong do not pile up`() async throws {
        let body = InboundBody { _ in }
        for offset in 0..<UInt64(InboundBody.maximumPieceCount) {
            #expect(body.append([1], offset: offset, isLast: false) == 0)
        }
        // The next one, and all that waited, are granted again.
        let count = InboundBody.maximumPieceCount
        #expect(body.append([1], offset: UInt64(count), isLast: false) == count + 1)
        let error = await #expect(throws: BlobError.self) { try await body.next() }
        #expect(error?.code == .badFrame)
    }
}
