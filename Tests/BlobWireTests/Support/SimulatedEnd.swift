import BlobCore

@testable import BlobWire

#if canImport(Glibc)
    import Glibc
#endif

/// One end of a simulated connection: a machine, its receiver, and a pipe into it.
final class SimulatedEnd {
    var machine: ConnectionMachine
    var receiver: FrameReceiver
    private var unwritten: ArraySlice<UInt8> = []
    /// What the peer wrote and this end has not read.
    var pipe: [UInt8] = []
    let pipeByteCount: Int
    private(set) var drained: Set<UInt32> = []
    var largestBatchByteCount = 0

    init(role: ConnectionRole, limits: ConnectionLimits, pipeByteCount: Int) {
        let hello = HelloFrame(
            limits: limits, maximumStreamCount: role == .server ? limits.maximumStreamCount : 0)
        machine = ConnectionMachine(role: role, limits: limits, hello: hello)
        receiver = FrameReceiver(limits: limits.frames, expectsPreface: role == .server)
        self.pipeByteCount = pipeByteCount
    }

    var hasNothingToWrite: Bool { unwritten.isEmpty && !machine.hasOutbound }

    /// Writes at most `maximumByteCount` bytes into the pipe of `peer`.
    func write(to peer: SimulatedEnd, maximumByteCount: Int) -> Bool {
        if unwritten.isEmpty, machine.hasOutbound {
            let batch = machine.takeBatch()
            drained.formUnion(batch.drainedStreams)
            unwritten = Side.bytes(of: batch)[...]
            largestBatchByteCount = max(largestBatchByteCount, unwritten.count)
        }
        let room = peer.pipeByteCount - peer.pipe.count
        let count = min(room, maximumByteCount, unwritten.count)
        guard count > 0 else { return false }
        peer.pipe += unwritten.prefix(count)
        unwritten = unwritten.dropFirst(count)
        return true
    }

    /// Reads at most `maximumByteCount` bytes from the pipe.
    func read(maximumByteCount: Int) throws(WireError) -> [ConnectionEvent] {
        let fed = feed(&receiver, pipe.prefix(maximumByteCount))
        pipe.removeFirst(fed)
        var events: [ConnectionEvent] = []
        while let frame = try receiver.next() {
            if let event = try machine.receive(frame, now: .now) { events.append(event) }
        }
        return events
    }

    /// Whether the producer of the stream may queue more; it waits to be woken otherwise.
    func mayProduce(_ streamID: UInt32, isWaiting: inout Bool) -> Bool {
        if isWaiting {
            guard drained.remove(streamID) != nil else { return false }
        }
        isWaiting = !machine.hasRoom(streamID: streamID)
        return !isWaiting
    }

    /// What must stay bounded, whatever the peer does.
    func boundsViolation(streamLimit: Int) -> String? {
        let room = ConnectionMachine.roomByteCount + Pattern.largestPieceByteCount
        if machine.streams.values.contains(where: { $0.queuedByteCount > room }) {
            return "a queue is too long"
        }
        if machine.streams.count > streamLimit { return "too many calls" }
        if machine.draining.count > streamLimit { return "too many ended calls are remembered" }
        if machine.drainingOrder.count > streamLimit { return "the order of ended calls grows" }
        if machine.ready.count > 65 + 2 * machine.streams.count { return "the round grows" }
        if machine.control.resets.count + machine.control.stops.count > 2 * streamLimit {
            return "control frames pile up"
        }
        return nil
    }
}

/// The bytes of bodies: known at every position, different for every call.
enum Pattern {
    static let largestPieceByteCount = 150_000
    static let largestBodyByteCount = 900_000
    private static let bytes: [UInt8] = {
        var generator = SeededGenerator(seed: 99)
        return generator.bytes(largestBodyByteCount + 4096)
    }()

    static func piece(call: Int, at position: Int, byteCount: Int) -> Bytes {
        let start = position + call % 4096
        return bytes.withUnsafeBytes { raw in
            Bytes(copying: UnsafeRawBufferPointer(rebasing: raw[start..<(start + byteCount)]))
        }
    }

    static func matches(_ payload: Bytes, call: Int, at position: Int) -> Bool {
        let start = position + call % 4096
        guard start + payload.count <= bytes.count else { return false }
        return payload.withUnsafeBytes { left in
            bytes.withUnsafeBytes { right in
                guard let base = left.baseAddress, let other = right.baseAddress else {
                    return left.isEmpty
                }
                return memcmp(base, other + start, left.count) == 0
            }
        }
    }
}
