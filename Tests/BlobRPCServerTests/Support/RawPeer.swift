import BlobCore
import Glibc
import LinuxIO
import Testing

@testable import BlobWire

/// A peer that writes what it likes onto the socket: the wire from the outside, with a limit of two minutes
/// on every step so that a test fails instead of hanging. It blocks a thread of its own, never one
/// of those that run the tests.
///
/// `@unchecked Sendable`: one test uses it, step by step.
final class RawPeer: @unchecked Sendable {
    private let socket: OwnedDescriptor
    private let thread = BlockingPool(name: "raw-peer", threadCount: 1)
    private var receiver = FrameReceiver(limits: FrameLimits(), expectsPreface: false)
    private var nextStreamID: UInt32 = 1

    init(path: String) throws {
        socket = try connectUnix(path: path)
        let flags = fcntl(socket.rawValue, F_GETFL)
        _ = fcntl(socket.rawValue, F_SETFL, flags & ~O_NONBLOCK)
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                socket.rawValue, SOL_SOCKET, option, &limit,
                socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// A peer that has done the handshake.
    static func open(
        path: String, limits: ConnectionLimits = ConnectionLimits()
    ) async throws -> RawPeer {
        let peer = try RawPeer(path: path)
        try await peer.write(Preface.bytes)
        try await peer.write(peer.hello(limits))
        let answer = try #require(try await peer.read())
        #expect(answer.header.type == .hello)
        return peer
    }

    var descriptor: Int32 { socket.rawValue }

    func hello(_ limits: ConnectionLimits = ConnectionLimits()) throws -> [UInt8] {
        var writer = ByteWriter()
        HelloFrame(limits: limits, maximumStreamCount: 0).encode(into: &writer)
        return frame(FrameHeader(type: .hello), payload: Array(try writer.finish()))
    }

    func frame(_ header: FrameHeader, payload: [UInt8] = []) -> [UInt8] {
        var header = header
        header.payloadByteCount = payload.count
        var writer = ByteWriter()
        header.encode(into: &writer)
        writer.write(payload)
        return (try? writer.finish()).map { Array($0) } ?? []
    }

    /// The frame of a call on the next stream.
    func request(
        _ arguments: BlobRequest.Arguments, flags: FrameFlags = [.end, .noData],
        timeout: Duration? = nil
    ) throws -> (streamID: UInt32, bytes: [UInt8]) {
        let payload = try BlobRequest(arguments, timeout: timeout).encodedPayload()
        defer { nextStreamID += 2 }
        let header = FrameHeader(type: .request, flags: flags, streamID: nextStreamID)
        return (nextStreamID, frame(header, payload: Array(payload)))
    }

    /// Makes a call and returns its stream.
    @discardableResult
    func call(
        _ arguments: BlobRequest.Arguments, flags: FrameFlags = [.end, .noData]
    ) async throws -> UInt32 {
        let request = try request(arguments, flags: flags)
        try await write(request.bytes)
        return request.streamID
    }

    func write(_ bytes: [UInt8]) async throws {
        try await thread.run { try self.writeBlocking(bytes) }
    }

    private func writeBlocking(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes {
                send(socket.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The server may have closed already; what it said is still there to be read.
            if written < 0, errno == EPIPE || errno == ECONNRESET { return }
            guard written > 0 else { throw SystemError(errorNumber: errno, operation: "send") }
            rest = rest.dropFirst(written)
        }
    }

    /// The next frame; nil at the end of the stream.
    func read() async throws -> ReceivedFrame? {
        try await thread.run { try self.readBlocking() }
    }

    private func readBlocking() throws -> ReceivedFrame? {
        while true {
            if let frame = try receiver.next() { return frame }
            var failure: Int32 = 0
            let received = receiver.receive { first, _ in
                let received = recv(socket.rawValue, first.baseAddress, first.count, 0)
                if received < 0 { failure = errno }
                return max(0, received)
            }
            if failure == ECONNRESET { return nil }
            guard failure == 0 else { throw SystemError(errorNumber: failure, operation: "recv") }
            if received == 0 { return nil }
        }
    }

    /// Waits, without reading, until the server has closed the connection.
    func waitUntilClosed() async throws {
        try await thread.run {
            // Without events asked for, poll(2) tells of a hangup only.
            var request = pollfd(fd: self.socket.rawValue, events: 0, revents: 0)
            guard poll(&request, 1, 120_000) == 1 else {
                throw SystemError(errorNumber: ETIMEDOUT, operation: "poll")
            }
        }
    }

    /// Reads on until a frame of `type` comes; nil at the end of the stream.
    func read(until type: FrameType) async throws -> ReceivedFrame? {
        while let frame = try await read() {
            if frame.header.type == type { return frame }
        }
        return nil
    }

    /// Reads until the server closes the connection and returns the code of its GOAWAY.
    func readGoAwayCode() async throws -> BlobError.Code? {
        guard let frame = try await read(until: .goAway) else { return nil }
        let code = try frame.payload.withReader { (reader) throws(WireError) in
            try reader.readUInt16()
        }
        #expect(try await read() == nil, "the connection ends after GOAWAY")
        return BlobError.Code(rawValue: code)
    }

    /// The status of a response frame.
    static func status(_ frame: ReceivedFrame) throws -> BlobError.Code {
        let raw = try frame.payload.withReader { (reader) throws(WireError) in
            try reader.readUInt16()
        }
        return BlobError.Code(rawValue: raw)
    }
}
