import BlobCore

@testable import BlobWire

/// A frame in a form that tests can write down and compare.
struct TestFrame: Hashable, Sendable {
    var type: FrameType
    var streamID: UInt32 = 0
    var flags: FrameFlags = []
    var auxiliary: UInt32 = 0
    var payload: [UInt8] = []

    static func request(_ streamID: UInt32, _ flags: FrameFlags = []) -> TestFrame {
        TestFrame(type: .request, streamID: streamID, flags: flags, payload: [9])
    }

    static func response(_ streamID: UInt32, _ flags: FrameFlags = []) -> TestFrame {
        TestFrame(type: .response, streamID: streamID, flags: flags, payload: [0, 0, 0, 0])
    }

    static func data(
        _ streamID: UInt32, _ byteCount: Int, _ flags: FrameFlags = []
    ) -> TestFrame {
        TestFrame(
            type: .data, streamID: streamID, flags: flags,
            payload: [UInt8](repeating: 0, count: byteCount))
    }

    static func credit(_ streamID: UInt32, _ limit: UInt64) -> TestFrame {
        TestFrame(type: .credit, streamID: streamID, payload: bigEndian(limit))
    }

    static func reset(_ streamID: UInt32, _ code: BlobError.Code = .cancelled) -> TestFrame {
        TestFrame(type: .reset, streamID: streamID, auxiliary: UInt32(code.rawValue))
    }

    static func stop(_ streamID: UInt32, _ code: BlobError.Code = .cancelled) -> TestFrame {
        TestFrame(type: .stop, streamID: streamID, auxiliary: UInt32(code.rawValue))
    }

    static func ping(_ echo: UInt32) -> TestFrame { TestFrame(type: .ping, auxiliary: echo) }
    static func pong(_ echo: UInt32) -> TestFrame { TestFrame(type: .pong, auxiliary: echo) }

    static func goAway(_ last: UInt32, _ code: BlobError.Code) -> TestFrame {
        TestFrame(
            type: .goAway, auxiliary: last,
            payload: [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 255), 0, 0, 0, 0, 0, 0])
    }

    static func hello(_ hello: HelloFrame) -> TestFrame {
        TestFrame(type: .hello, payload: Array(encoded { hello.encode(into: &$0) }))
    }

    var received: ReceivedFrame {
        ReceivedFrame(
            header: FrameHeader(
                type: type, flags: flags, streamID: streamID, auxiliary: auxiliary,
                payloadByteCount: payload.count),
            payload: Bytes(payload))
    }

    var bytes: [UInt8] {
        Array(encoded { received.header.encode(into: &$0) }) + payload
    }

    init(_ frame: ReceivedFrame) {
        self.init(
            type: frame.header.type, streamID: frame.header.streamID, flags: frame.header.flags,
            auxiliary: frame.header.auxiliary, payload: Array(frame.payload))
    }

    init(
        type: FrameType, streamID: UInt32 = 0, flags: FrameFlags = [], auxiliary: UInt32 = 0,
        payload: [UInt8] = []
    ) {
        self.type = type
        self.streamID = streamID
        self.flags = flags
        self.auxiliary = auxiliary
        self.payload = payload
    }
}

extension TestFrame: CustomStringConvertible {
    static let typeNames: [FrameType: String] = [
        .hello: "HELLO", .request: "REQUEST", .response: "RESPONSE", .data: "DATA",
        .credit: "CREDIT", .reset: "RESET", .stop: "STOP", .ping: "PING", .pong: "PONG",
        .goAway: "GOAWAY",
    ]

    static let flagNames: [(FrameFlags, String)] = [
        (.end, "END"), (.noData, "NO_DATA"), (.offset, "OFFSET"), (.trailer, "TRAILER"),
        (.critical, "CRITICAL"),
    ]

    /// For example `DATA 1 END 100` or `CREDIT 0 =4096`.
    var description: String {
        var words = [Self.typeNames[type] ?? "TYPE_\(type.rawValue)"]
        let names = Self.flagNames.filter { flags.contains($0.0) }.map(\.1)
        switch type {
        case .hello: break
        case .credit: words.append("\(streamID) =\(number(payload[...]))")
        case .reset, .stop:
            words.append("\(streamID) \(BlobError.Code(rawValue: UInt16(auxiliary)))")
        case .ping, .pong: words.append("\(auxiliary)")
        case .goAway:
            let code = BlobError.Code(rawValue: UInt16(number(payload.prefix(2))))
            words.append("last=\(auxiliary) \(code)")
        case .data:
            words.append("\(streamID)")
            if !names.isEmpty { words.append(names.joined(separator: "|")) }
            words.append("\(payload.count)")
        default:
            words.append("\(streamID)")
            if !names.isEmpty { words.append(names.joined(separator: "|")) }
        }
        return words.joined(separator: " ")
    }
}

func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

func encoded(_ body: (inout ByteWriter) -> Void) -> Bytes {
    var writer = ByteWriter()
    body(&writer)
    return (try? writer.finish()) ?? Bytes()
}
