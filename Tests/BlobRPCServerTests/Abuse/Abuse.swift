import BlobCore
import Testing

@testable import BlobWire

/// What a hostile peer can do to an untrusted socket, and how each of it ends.
enum Abuse: String, CaseIterable, CustomTestStringConvertible {
    case neverHello, slowHello, halfFrame, oversizeFrame, resetFlood, pingFlood, beyondCredit
    case streamReuse, unreadAnswers, manyStreams, fieldBomb, unreadLists, descriptors, http, tls

    var testDescription: String { rawValue }

    /// What the server says before it closes; nil where the peer never reads, and where it may stay.
    var code: BlobError.Code? {
        switch self {
        case .neverHello, .slowHello: .handshakeTimeout
        case .halfFrame: .peerStalled
        case .oversizeFrame: .frameTooLarge
        case .resetFlood, .pingFlood, .manyStreams: .tooManyGlitches
        case .beyondCredit: .creditViolation
        case .streamReuse: .badStream
        case .descriptors: .descriptorViolation
        case .http, .tls: .badFrame
        case .unreadAnswers, .fieldBomb, .unreadLists: nil
        }
    }

    /// A second instead of the times of an untrusted socket, where it is what ends the attack; else the
    /// server waits for a machine that has much to do.
    var listenerKeys: String {
        switch self {
        case .neverHello, .slowHello: "handshakeSeconds: 1"
        case .halfFrame: "handshakeSeconds: 120\n    partialFrameSeconds: 1"
        case .unreadAnswers, .unreadLists: "handshakeSeconds: 120\n    writeStallSeconds: 1"
        default: "handshakeSeconds: 120"
        }
    }

    /// What the socket's policy needs for it to be one.
    var policyKeys: String {
        // Nothing takes the bytes at once, so that credit is used up for certain.
        self == .beyondCredit ? "bytesPerSecond: 65536" : ""
    }

    /// One connection's worth of it, to its end.
    func run(_ path: String, blob: BlobURI, prefix: BlobURI) async throws {
        let peer = try RawPeer(path: path)
        switch self {
        case .neverHello, .slowHello, .http, .tls: break
        default:
            try await peer.write(Self.greeting(peer))
            _ = try await peer.read(until: .hello)
        }
        try await act(peer, blob, prefix)
        switch self {
        case .unreadAnswers, .unreadLists: try await peer.waitUntilClosed()
        case .fieldBomb: break
        default:
            let told = try await peer.readGoAwayCode()
            #expect(told == code)
        }
    }

    /// The handshake, with so much credit that nothing but the server holds answers back.
    static func greeting(_ peer: RawPeer) throws -> [UInt8] {
        var limits = ConnectionLimits()
        limits.streamCreditByteCount = 1 << 30
        return try Preface.bytes + peer.hello(limits)
    }

    private static func blob(_ name: String, in prefix: BlobURI) -> BlobURI {
        BlobURI(scheme: prefix.scheme, container: prefix.container, key: prefix.key + name)
    }

    private func act(_ peer: RawPeer, _ blob: BlobURI, _ prefix: BlobURI) async throws {
        switch self {
        case .neverHello: break
        case .slowHello: try await peer.write(Array(Preface.bytes.dropLast()))
        case .http: try await peer.write(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        case .tls: try await peer.write([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3])
        case .halfFrame: try await peer.write(Array(try peer.request(.info).bytes.dropLast()))
        case .oversizeFrame:
            var header = FrameHeader(type: .request, flags: [.end, .noData], streamID: 1)
            header.payloadByteCount = 0xFFFFFF
            var writer = ByteWriter()
            header.encode(into: &writer)
            try await peer.write(Array(try writer.finish()))
        case .resetFlood:
            try await peer.write(
                (0..<200).flatMap { _ in
                    let call = try peer.request(.get(blob, GetOptions()))
                    return call.bytes
                        + peer.frame(FrameHeader(type: .reset, streamID: call.streamID))
                })
        case .pingFlood:
            let ping = peer.frame(FrameHeader(type: .ping))
            try await peer.write((0..<1000).flatMap { _ in ping })
        case .beyondCredit:
            let id = try await peer.call(
                .put(Self.blob("credit", in: prefix), PutOptions(), bodyByteCount: nil), flags: [])
            let data = peer.frame(
                FrameHeader(type: .data, streamID: id),
                payload: [UInt8](repeating: 1, count: 256 << 10))
            // Ends early: who is closed writes nothing more.
            for _ in 0..<64 { try await peer.write(data) }
        case .streamReuse:
            let call = try peer.request(.info)
            try await peer.write(call.bytes + call.bytes)
        // No more than the socket's memory has room for from all peers: who is refused has nothing
        // to read, and may stay.
        case .unreadAnswers:
            try await peer.write(
                (0..<8).flatMap { _ in try peer.request(.get(blob, GetOptions())).bytes })
        case .unreadLists:
            try await peer.write(
                (0..<8).flatMap { _ in try peer.request(.list(prefix, ListOptions())).bytes })
        case .manyStreams:
            try await peer.write(
                (0..<1000).flatMap { _ in
                    try peer.request(
                        .put(Self.blob("many", in: prefix), PutOptions(), bodyByteCount: 1),
                        flags: []
                    ).bytes
                })
        case .fieldBomb: try await sendFieldBombs(peer)
        case .descriptors:
            // Where the kernel refuses at the sender (SO_PASSRIGHTS), nothing comes to be closed for.
            if !peer.sendDescriptor() {
                try await peer.write(peer.frame(FrameHeader(type: .ping, descriptorCount: 1)))
            }
        }
    }

    /// Requests of as many fields as fit, none of which anybody knows. They are passed over.
    private func sendFieldBombs(_ peer: RawPeer) async throws {
        for stream in UInt32(0)..<20 {
            var writer = ByteWriter()
            let request = Array(try BlobRequest(.info).encodedPayload())
            writer.write(request)
            for _ in 0..<((16 << 10) - request.count) / 4 {
                writer.write(UInt16(0x7000))
                writer.write(UInt16(0))
            }
            let header = FrameHeader(
                type: .request, flags: [.end, .noData], streamID: 2 * stream + 1)
            try await peer.write(peer.frame(header, payload: Array(try writer.finish())))
            let answer = try #require(try await peer.read(until: .response))
            #expect(try RawPeer.status(answer).rawValue == 0)
        }
    }
}
