import BlobCore
import BlobRPCClient
import BlobRPCServer
import Glibc
import TestKit
import Testing

@testable import BlobWire

/// Peers that break the rules: each is closed with the code its rule names, and a well-behaved
/// client beside it notices nothing.
@Suite struct ProtocolViolationTests {
    private func expectClose(
        _ code: BlobError.Code, _ name: Comment, hasBystander: Bool = true,
        configure: (inout ListenerConfiguration) -> Void = { _ in },
        _ act: (RawPeer) async throws -> Void
    ) async throws {
        let server = try TestServer(configure: configure)
        let bystander = hasBystander ? try await server.connect() : nil
        let peer = try RawPeer(path: server.socketPath)
        try await act(peer)
        #expect(try await peer.readGoAwayCode() == code, name)
        _ = try await bystander?.ping()
        await bystander?.close()
        await server.stop()
    }

    private func open(_ peer: RawPeer) async throws {
        try await peer.write(Preface.bytes + peer.hello())
        _ = try await peer.read(until: .hello)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0", "\u{16}\u{3}\u{1}"])
    func `W-01 HTTP and TLS are refused at the first bytes`(_ text: String) async throws {
        try await expectClose(.badFrame, "W-01") { try await $0.write(Array(text.utf8)) }
    }

    @Test func `W-02 a request before HELLO closes`() async throws {
        try await expectClose(.badFrame, "W-02") { peer in
            try await peer.write(Preface.bytes + peer.request(.info).bytes)
        }
    }

    @Test func `W-02 a second HELLO closes`() async throws {
        try await expectClose(.badFrame, "W-02") { peer in
            try await open(peer)
            try await peer.write(peer.hello())
        }
    }

    @Test func `W-03 no HELLO in time closes`() async throws {
        try await expectClose(
            .handshakeTimeout, "W-03", configure: { $0.timeouts.handshake = .milliseconds(100) }
        ) { _ in }
    }

    @Test func `W-04 an unknown generation closes`() async throws {
        try await expectClose(.unsupportedVersion, "W-04") { peer in
            var hello = try peer.hello()
            hello.replaceSubrange(16..<20, with: [0, 9, 0, 9])
            try await peer.write(Preface.bytes + hello)
        }
    }

    @Test func `W-11 a length with its top byte set closes`() async throws {
        try await expectClose(.badFrame, "W-11") { peer in
            try await open(peer)
            try await peer.write([1] + [UInt8](repeating: 0, count: 15))
        }
    }

    @Test func `W-12 an oversize request closes`() async throws {
        try await expectClose(.frameTooLarge, "W-12") { peer in
            try await open(peer)
            var header = FrameHeader(type: .request, streamID: 1)
            header.payloadByteCount = 64 << 10 + 1
            var writer = ByteWriter()
            header.encode(into: &writer)
            try await peer.write(Array(try writer.finish()))
        }
    }

    @Test func `W-16 an announced descriptor closes`() async throws {
        try await expectClose(.descriptorViolation, "W-16") { peer in
            try await open(peer)
            let header = FrameHeader(type: .request, streamID: 1, descriptorCount: 1)
            try await peer.write(peer.frame(header))
        }
    }

    @Test func `W-20 even, repeated and falling stream ids close`() async throws {
        for ids: [UInt32] in [[2], [1, 1], [5, 3], [0]] {
            try await expectClose(.badStream, "W-20") { peer in
                try await open(peer)
                let payload = Array(try BlobRequest(.info).encodedPayload())
                for id in ids {
                    let header = FrameHeader(
                        type: .request, flags: [.end, .noData], streamID: id)
                    try await peer.write(peer.frame(header, payload: payload))
                }
            }
        }
    }

    @Test func `W-27 DATA on a stream that was never opened closes`() async throws {
        try await expectClose(.badStream, "W-27") { peer in
            try await open(peer)
            try await peer.write(peer.frame(FrameHeader(type: .data, streamID: 7), payload: [1]))
        }
    }

    @Test func `W-32 more DATA than credit closes`() async throws {
        try await expectClose(
            .creditViolation, "W-32", configure: { $0.limits.streamCreditByteCount = 64 << 10 }
        ) { peer in
            try await open(peer)
            // A handler that is not there cannot take bytes: the URI is refused, so nothing does.
            let id = try await peer.call(
                .put(try BlobURI(parsing: "s3://b/k"), PutOptions(), bodyByteCount: nil), flags: [])
            let chunk = [UInt8](repeating: 7, count: 32 << 10)
            for _ in 0..<4 {
                try await peer.write(
                    peer.frame(FrameHeader(type: .data, streamID: id), payload: chunk))
            }
        }
    }

    @Test func `W-41 a request whose field overruns it closes`() async throws {
        try await expectClose(.badFrame, "W-41") { peer in
            try await open(peer)
            let payload: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0, 0x80, 1, 0xFF, 0xFF, 1]
            let header = FrameHeader(type: .request, flags: [.end, .noData], streamID: 1)
            try await peer.write(peer.frame(header, payload: payload))
        }
    }

    @Test func `W-52 a frame that comes byte by byte closes, too`() async throws {
        let server = try TestServer { $0.timeouts.partialFrame = .milliseconds(20) }
        let peer = try await RawPeer.open(path: server.socketPath)
        let byteCount = Int(FrameLimits().maximumDataByteCount)
        let frame = peer.frame(
            FrameHeader(type: .data, streamID: 1), payload: [UInt8](repeating: 0, count: byteCount))
        // Always one more byte, and never a whole frame.
        var sentByteCount = 0
        while sentByteCount < frame.count - 1 {
            let sent = send(
                peer.descriptor, [frame[sentByteCount]], 1, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            if sent < 0, errno != EAGAIN { break }
            sentByteCount += max(0, sent)
            await Task.yield()
        }
        #expect(sentByteCount < frame.count - 1)
        #expect(try await peer.readGoAwayCode() == .peerStalled)
        await server.stop()
    }

    @Test func `W-52 half a frame and then nothing closes`() async throws {
        try await expectClose(
            .peerStalled, "W-52", configure: { $0.timeouts.partialFrame = .milliseconds(100) }
        ) { peer in
            try await open(peer)
            try await peer.write([0, 0, 0, 8, 5])
        }
    }

    @Test func `W-54 an idle connection closes when the listener says so`() async throws {
        try await expectClose(
            .peerStalled, "W-54", hasBystander: false,
            configure: { $0.timeouts.idle = .milliseconds(100) }
        ) { peer in try await open(peer) }
    }

    @Test func `W-57 a flood of RESET closes`() async throws {
        try await expectClose(
            .tooManyGlitches, "W-57", configure: { $0.limits.maximumGlitchCount = 50 }
        ) { peer in
            try await open(peer)
            // At once: a crowded machine would make a trickle of it.
            var flood: [UInt8] = []
            for _ in 0..<60 {
                let call = try peer.request(.info)
                flood += call.bytes
                flood += peer.frame(FrameHeader(type: .reset, streamID: call.streamID))
            }
            try await peer.write(flood)
        }
    }

    @Test func `W-57 a flood of PING closes`() async throws {
        try await expectClose(
            .tooManyGlitches, "W-57", configure: { $0.limits.maximumGlitchCount = 50 }
        ) { peer in
            try await open(peer)
            let ping = peer.frame(FrameHeader(type: .ping))
            try await peer.write((0..<60).flatMap { _ in ping })
        }
    }
}
