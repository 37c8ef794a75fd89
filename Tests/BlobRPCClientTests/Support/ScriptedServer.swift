import BlobCore
import Glibc
import LinuxIO
import TestKit
import Testing

@testable import BlobWire

/// A server that says what the test says, and nothing else.
final class ScriptedServer: Sendable {
    private let directory: TemporaryDirectory
    private let listener: Int32
    private let thread = BlockingPool(name: "scripted", threadCount: 1)
    /// Where clients connect.
    var path: String { directory.path + "/socket" }

    init() throws {
        directory = try TemporaryDirectory()
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { [path] in $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 8) == 0)
    }

    deinit { close(listener) }

    /// The next connection.
    func accept() async throws -> ScriptedPeer {
        let listener = listener
        return ScriptedPeer(
            owning: OwnedDescriptor(
                owning: try await thread.run { Glibc.accept(listener, nil, nil) }))
    }
}

/// One connection of it. It blocks a thread of its own.
///
/// `@unchecked Sendable`: one test uses it, step by step.
final class ScriptedPeer: @unchecked Sendable {
    private let socket: OwnedDescriptor
    private let thread = BlockingPool(name: "scripted-peer", threadCount: 1)
    private var receiver = FrameReceiver(limits: FrameLimits(), expectsPreface: true)

    init(owning socket: consuming OwnedDescriptor) { self.socket = socket }

    func write(_ bytes: [UInt8]) throws {
        let count = send(socket.rawValue, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        try #require(count == bytes.count)
    }

    func write(_ header: FrameHeader, _ payload: [UInt8] = []) throws {
        var header = header
        header.payloadByteCount = payload.count
        var writer = ByteWriter()
        header.encode(into: &writer)
        writer.write(payload)
        try write(Array(try writer.finish()))
    }

    /// Does the handshake.
    func writeHello() throws {
        var writer = ByteWriter()
        HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 16).encode(into: &writer)
        try write(FrameHeader(type: .hello), Array(try writer.finish()))
    }

    func writeGoAway(_ code: BlobError.Code, lastStreamID: UInt32) throws {
        var writer = ByteWriter()
        writer.write(code.rawValue)
        writer.write(UInt16(0))
        writer.write(UInt32(60_000))
        var header = FrameHeader(type: .goAway)
        header.auxiliary = lastStreamID
        try write(header, Array(try writer.finish()))
    }

    /// Reads until a frame of `type` comes; nil when the client has closed before.
    func read(until type: FrameType) async throws -> ReceivedFrame? {
        try await thread.run {
            while true {
                while let frame = try self.receiver.next() {
                    if frame.header.type == type { return frame }
                }
                let count = self.receiver.receive { first, _ in
                    max(0, recv(self.socket.rawValue, first.baseAddress, first.count, 0))
                }
                if count == 0 { return nil }
            }
        }
    }

    /// The code of the GOAWAY with which the client ends the connection; nil when it just closes.
    func readGoAwayCode() async throws -> BlobError.Code? {
        try await read(until: .goAway)?.payload.withReader { (reader) throws(WireError) in
            BlobError.Code(rawValue: try reader.readUInt16())
        }
    }
}
