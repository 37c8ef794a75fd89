import BlobCore
import Testing

@testable import BlobWire

/// Frames of every kind in any order, as only a hostile peer sends them, to a machine at work.
@Suite struct ConnectionNoiseTests {
    static let seeds = UInt64(1)...200

    @Test("W-21, W-31, W-32: no order of frames traps a server", arguments: seeds)
    func server(seed: UInt64) throws {
        try run(.server, seed: seed)
    }

    @Test("W-23, W-31, W-32: no order of frames traps a client", arguments: seeds)
    func client(seed: UInt64) throws {
        try run(.client, seed: seed)
    }

    private func run(_ role: ConnectionRole, seed: UInt64) throws {
        var noise = Noise(role: role, seed: seed)
        let limits = smallLimits(glitches: 200)
        let side = try Side(role, limits: limits, peer: limits)
        for _ in 0..<400 {
            do {
                let frame = noise.frame(to: side).received
                let event = try side.machine.receive(frame, now: side.now)
                if case .data(let streamID, let payload, _, _) = event {
                    noise.unconsumed.append((streamID, payload.count))
                }
            } catch {
                side.machine.close(for: error)
                #expect(side.frames().last?.hasPrefix("GOAWAY") == true, "seed \(seed)")
                // Closed is closed: nothing that follows is taken or answered.
                #expect(try side.receive(noise.frame(to: side)) == "-")
                #expect(!side.hasOutbound)
                return
            }
            #expect(side.activeStreamCount <= Int(limits.maximumStreamCount), "seed \(seed)")
            let byteCount = noise.unconsumed.reduce(0) { $0 + $1.byteCount }
            #expect(byteCount <= Int(limits.connectionCreditByteCount), "seed \(seed)")
            noise.work(on: side)
        }
        #expect(side.frames() != ["SPIN"], "seed \(seed)")
    }
}

/// A peer without manners, and an owner who answers it as the server or the client would.
private struct Noise {
    let role: ConnectionRole
    private var random: SeededGenerator
    /// DATA that the machine accepted and that was not reported as consumed.
    var unconsumed: [(streamID: UInt32, byteCount: Int)] = []
    private var lastStreamID: UInt32 = 0

    init(role: ConnectionRole, seed: UInt64) {
        self.role = role
        random = SeededGenerator(seed: seed)
    }

    /// Mostly what a peer may send at this moment, so that the machine gets far; now and then
    /// anything.
    mutating func frame(to side: Side) -> TestFrame {
        if random.isTrue(oneIn: 300) { return anything() }
        let streams = side.machine.streams
        // In order of their ids: a dictionary's own order differs from run to run.
        let open = streams.keys.sorted()
        let type: FrameType = pick(
            [.data, .data, .data, .credit, .reset, .stop, .ping, .pong]
                + (role == .server ? [.request, .request] : [.response, .response]))
        switch type {
        case .request: return .request(nextStreamID(), pick([[], [], .end, [.end, .noData]]))
        case .response:
            guard let streamID = open.randomElement(using: &random) else { return credit(0) }
            let isTrailer = streams[streamID]?.hasResponse == true
            return .response(
                streamID, isTrailer ? [.end, .trailer] : pick([[], [.end, .noData]]))
        case .data:
            let ready = open.filter {
                streams[$0]?.remoteEnded == false
                    && (role == .server || streams[$0]?.hasResponse == true)
            }
            guard let streamID = ready.randomElement(using: &random) else { return credit(0) }
            var frame = TestFrame.data(
                streamID, Int(random.next() % (random.isTrue(oneIn: 20) ? 900 : 60)))
            if role == .server, random.isTrue(oneIn: 8) { frame.flags = .end }
            if role == .client, random.isTrue(oneIn: 3) {
                frame.flags = .offset
                frame.payload = bigEndian(random.next() >> 2) + frame.payload
            }
            return frame
        case .ping: return .ping(UInt32(truncatingIfNeeded: random.next()))
        case .pong: return .pong(UInt32(truncatingIfNeeded: random.next()))
        default:
            let past = role == .server && lastStreamID > 0 ? [lastStreamID / 4 * 2 + 1] : []
            guard let streamID = (open + past).randomElement(using: &random) else {
                return credit(0)
            }
            if type == .reset { return .reset(streamID) }
            if type == .stop { return .stop(streamID) }
            return credit(random.isTrue(oneIn: 3) ? 0 : streamID)
        }
    }

    private mutating func credit(_ streamID: UInt32) -> TestFrame {
        .credit(streamID, random.next() >> 40)
    }

    private mutating func anything() -> TestFrame {
        var frame = TestFrame(type: FrameType(rawValue: UInt8(random.next() % 14)))
        frame.streamID = UInt32(truncatingIfNeeded: random.next() >> (random.next() % 64))
        frame.flags = FrameFlags(rawValue: UInt8(truncatingIfNeeded: random.next()))
        frame.auxiliary = UInt32(truncatingIfNeeded: random.next() >> (random.next() % 64))
        frame.payload = random.bytes(Int(random.next() % 40))
        return frame
    }

    private mutating func nextStreamID() -> UInt32 {
        lastStreamID += lastStreamID == 0 ? 1 : 2
        return lastStreamID
    }

    /// Does something that the machine's owner may do.
    mutating func work(on side: Side) {
        let streamID = lastStreamID - min(lastStreamID, UInt32(random.next() % 5) * 2)
        let isLast = random.isTrue(oneIn: 2)
        switch random.next() % 9 {
        case 0 where role == .server:
            side.machine.sendResponse(streamID: streamID, payload: Bytes([1]), isLast: isLast)
        case 1 where role == .server:
            side.machine.sendTrailer(streamID: streamID, payload: Bytes([0, 0, 0, 0]))
        case 2 where role == .server: side.machine.confirmReset(streamID: streamID)
        case 0 where role == .client, 1 where role == .client:
            guard side.canOpenStream else { return }
            lastStreamID = side.machine.openStream(
                payload: Bytes([1]), body: isLast ? .none : .follows)
        case 2 where role == .client:
            side.machine.resetStream(streamID: streamID, code: .cancelled)
        case 3: side.machine.stopStream(streamID: streamID, code: .cancelled)
        case 4:
            guard side.hasRoom(streamID) else { return }
            side.sendData(streamID, Int(random.next() % 500), offset: isLast ? 7 : nil)
        case 5 where random.isTrue(oneIn: 20):
            side.machine.goAway(code: .shuttingDown, grace: .seconds(1))
        case 6: _ = side.frames()
        case 7: _ = side.batch()
        default:
            guard let (streamID, byteCount) = unconsumed.popLast() else { return }
            side.machine.consumed(streamID: streamID, byteCount: byteCount)
        }
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int(random.next() % UInt64(values.count))]
    }
}
