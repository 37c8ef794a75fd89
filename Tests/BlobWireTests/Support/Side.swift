import BlobCore
import Testing

@testable import BlobWire

/// A machine in a class, with events and frames as text, so that scripts read as tables.
final class Side {
    var machine: ConnectionMachine
    var now = ContinuousClock.now

    /// A side whose handshake is done.
    init(
        _ role: ConnectionRole, limits: ConnectionLimits = ConnectionLimits(),
        peer: ConnectionLimits = ConnectionLimits(), isOpen: Bool = true
    ) throws {
        let hello = HelloFrame(
            limits: limits, maximumStreamCount: role == .server ? limits.maximumStreamCount : 0)
        machine = ConnectionMachine(role: role, limits: limits, hello: hello)
        guard isOpen else { return }
        let peerHello = HelloFrame(
            limits: peer, maximumStreamCount: role == .client ? peer.maximumStreamCount : 0)
        _ = try receive(.hello(peerHello))
        _ = frames()
    }

    // The machine cannot be copied, which `#expect` would do; hence these.
    var hasOutbound: Bool { machine.hasOutbound }
    var canOpenStream: Bool { machine.canOpenStream }
    var activeStreamCount: Int { machine.activeStreamCount }
    func hasRoom(_ streamID: UInt32) -> Bool { machine.hasRoom(streamID: streamID) }
    func drained() -> [UInt32] { machine.takeBatch().drainedStreams.sorted() }

    @discardableResult
    func sendData(_ streamID: UInt32, _ byteCount: Int, offset: UInt64? = nil) -> Bool {
        machine.sendData(streamID: streamID, payload: blank(byteCount), offset: offset)
    }

    /// Feeds a frame.
    ///
    /// - Returns: The event as text; `-` when there is none.
    @discardableResult
    func receive(_ frame: TestFrame) throws -> String {
        guard let event = try machine.receive(frame.received, now: now) else { return "-" }
        return Self.text(of: event)
    }

    /// One batch, as frames.
    func batch() -> [TestFrame] {
        Self.frames(in: machine.takeBatch())
    }

    /// Everything that can be written now, as text.
    func frames() -> [String] {
        var result: [String] = []
        var batchCount = 0
        while machine.hasOutbound {
            result += batch().map(\.description)
            batchCount += 1
            guard batchCount < 1000 else { return ["SPIN"] }
        }
        return result
    }

    static func bytes(of batch: OutboundBatch) -> [UInt8] {
        var bytes: [UInt8] = []
        for segment in batch.segments {
            switch segment {
            case .inline(let range):
                bytes += Array(batch.inline.dropFirst(range.lowerBound).prefix(range.count))
            case .payload(.bytes(let payload)): bytes += Array(payload)
            case .payload(.file): break
            }
        }
        return bytes
    }

    static func frames(in batch: OutboundBatch) -> [TestFrame] {
        var bytes = Self.bytes(of: batch)
        if bytes.starts(with: Preface.bytes) { bytes.removeFirst(Preface.bytes.count) }
        return (try? receiveAll(bytes)) ?? []
    }

    static func text(of event: ConnectionEvent) -> String {
        switch event {
        case .opened: return "opened"
        case .request(let streamID, _, let body): return "request \(streamID) \(body)"
        case .response(let streamID, _, let isLast):
            return "response \(streamID)\(isLast ? " last" : "")"
        case .trailer(let streamID, _): return "trailer \(streamID)"
        case .data(let streamID, let payload, let offset, let isLast):
            let place = offset.map { " @\($0)" } ?? ""
            return "data \(streamID) \(payload.count)\(place)\(isLast ? " last" : "")"
        case .reset(let streamID, let code): return "reset \(streamID) \(code)"
        case .stopped(let streamID, let code): return "stopped \(streamID) \(code)"
        case .pong(let echo): return "pong \(echo)"
        case .goAway(let last, let code, let grace):
            return "goaway last=\(last) \(code) \(grace)"
        }
    }
}

/// All frames in `bytes`, given to a receiver at once.
func receiveAll(
    _ bytes: [UInt8], limits: FrameLimits = generousLimits, expectsPreface: Bool = false,
    pieceByteCounts: [Int] = []
) throws(WireError) -> [TestFrame] {
    var receiver = FrameReceiver(limits: limits, expectsPreface: expectsPreface)
    var frames: [TestFrame] = []
    var rest = bytes[...]
    var pieces = pieceByteCounts[...]
    while !rest.isEmpty {
        let wanted = pieces.popFirst() ?? rest.count
        rest = rest.dropFirst(feed(&receiver, rest.prefix(wanted)))
        while let frame = try receiver.next() { frames.append(TestFrame(frame)) }
    }
    return frames
}

/// Puts as many of `bytes` into the receiver as it has room for.
func feed(_ receiver: inout FrameReceiver, _ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBytes { source in
        receiver.receive { first, second in
            let inFirst = min(first.count, source.count)
            let inSecond = min(second.count, source.count - inFirst)
            let split = UnsafeRawBufferPointer(rebasing: source[inFirst..<(inFirst + inSecond)])
            first.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(inFirst)))
            second.copyMemory(from: split)
            return inFirst + inSecond
        }
    }
}

let generousLimits = FrameLimits(
    maximumDataByteCount: 4 << 20, maximumHeaderByteCount: 4 << 20)

/// Limits with small windows, so that a test reaches them.
func smallLimits(
    stream: UInt32 = 1000, connection: UInt64 = 4000, streams: UInt32 = 4, glitches: Int = 5
) -> ConnectionLimits {
    var limits = ConnectionLimits()
    limits.streamCreditByteCount = stream
    limits.connectionCreditByteCount = connection
    limits.maximumStreamCount = streams
    limits.maximumGlitchCount = glitches
    return limits
}

/// The code of the error that ends the connection, or nil.
func failure(_ body: () throws -> Void) -> BlobError.Code? {
    do {
        try body()
        return nil
    } catch let error as WireError {
        return error.code
    } catch {
        return .other
    }
}

func blank(_ byteCount: Int) -> Bytes {
    Bytes([UInt8](repeating: 0x55, count: byteCount))
}
