import BlobCore
import Testing

@testable import BlobWire

/// Bytes come in any pieces; frames come out the same.
@Suite struct FrameReceiverTests {
    /// Small frames, empty ones, and payloads around and above the size that is received in place.
    private static let stream: [TestFrame] = [
        .hello(HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 0)),
        .request(1, .end), .data(1, 0, .end), pattern(FrameReceiver.inPlaceByteCount - 1),
        pattern(FrameReceiver.inPlaceByteCount), .credit(0, 77), pattern(20_000), .ping(1),
        pattern(70_000), pattern(200_000), .goAway(1, .badFrame),
    ]

    private static func pattern(_ byteCount: Int) -> TestFrame {
        var generator = SeededGenerator(seed: UInt64(byteCount))
        var frame = TestFrame.data(1, 0)
        frame.payload = generator.bytes(byteCount)
        return frame
    }

    private static let bytes = stream.flatMap(\.bytes)

    @Test("W-10: whole")
    func whole() throws {
        #expect(try receiveAll(Self.bytes) == Self.stream)
        let withPreface = Preface.bytes + Self.bytes
        #expect(try receiveAll(withPreface, expectsPreface: true) == Self.stream)
    }

    @Test("Byte by byte")
    func drip() throws {
        let few = Array(Self.stream.prefix(6))
        let bytes = Preface.bytes + few.flatMap(\.bytes)
        let pieces = [Int](repeating: 1, count: bytes.count)
        #expect(try receiveAll(bytes, expectsPreface: true, pieceByteCounts: pieces) == few)
    }

    @Test("Split at every position")
    func everySplit() throws {
        let few: [TestFrame] = [.request(1), .data(1, 40), .ping(7), .credit(1, 9), .reset(1)]
        let bytes = Preface.bytes + few.flatMap(\.bytes)
        for split in 1..<bytes.count {
            #expect(
                try receiveAll(bytes, expectsPreface: true, pieceByteCounts: [split]) == few,
                "split at \(split)")
        }
    }

    @Test("Random splits", arguments: UInt64(1)...40)
    func randomSplits(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let largest = [3, 100, 5000, 70_000][Int(seed % 4)]
        let frames = largest == 3 ? Array(Self.stream.prefix(6)) : Self.stream
        let bytes = frames.flatMap(\.bytes)
        let counts = (0..<(2 * bytes.count / largest)).map { _ in
            Int.random(in: 1...largest, using: &generator)
        }
        #expect(try receiveAll(bytes, pieceByteCounts: counts) == frames, "seed \(seed)")
    }

    @Test("A long payload is received in place, what follows it into the buffer")
    func inPlace() throws {
        let long = Self.pattern(100_000)
        let bytes = long.bytes + TestFrame.ping(3).bytes
        var receiver = FrameReceiver(limits: generousLimits, expectsPreface: false)
        var fed = feed(&receiver, bytes.prefix(10_000))
        let early = try receiver.next()
        #expect(early == nil)
        let hasPartialFrame = receiver.hasPartialFrame
        #expect(hasPartialFrame)
        var rooms: [Int] = []
        while fed < bytes.count {
            fed += receiver.receive { first, second in
                rooms = [first.count, second.count]
                let count = min(first.count, bytes.count - fed)
                first.copyBytes(from: bytes[fed..<(fed + count)])
                let rest = min(second.count, bytes.count - fed - count)
                second.copyBytes(from: bytes[(fed + count)..<(fed + count + rest)])
                return count + rest
            }
        }
        #expect(rooms == [100_016 - 10_000, FrameReceiver.spillByteCount])
        var frames: [TestFrame] = []
        while let frame = try receiver.next() { frames.append(TestFrame(frame)) }
        #expect(frames == [long, .ping(3)])
        let isPartial = receiver.hasPartialFrame
        #expect(!isPartial)
    }

    @Test("W-01: a stranger is refused at the first wrong byte")
    func preface() throws {
        for (text, wrongAt) in [("GET / HTTP/1.1", 0), ("BLOBRPC\r", 7), ("BLOBRPX\n", 6)] {
            let bytes = Array(text.utf8)
            #expect(throws: Never.self) {
                try receiveAll(Array(bytes.prefix(wrongAt)), expectsPreface: true)
            }
            #expect(
                failure {
                    _ = try receiveAll(Array(bytes.prefix(wrongAt + 1)), expectsPreface: true)
                }
                    == .badFrame)
        }
    }

    @Test("A failure is final")
    func sticky() {
        var receiver = FrameReceiver(limits: FrameLimits(), expectsPreface: false)
        var bad = TestFrame.ping(1).bytes
        bad[7] = 1
        _ = feed(&receiver, (bad + TestFrame.ping(2).bytes)[...])
        for _ in 0..<3 { #expect(failure { _ = try receiver.next() } == .badFrame) }
        _ = feed(&receiver, TestFrame.ping(2).bytes[...])
        #expect(failure { _ = try receiver.next() } == .badFrame)
    }

    @Test("W-12: too long is known from the header, before anything is allocated")
    func lengthFirst() {
        var receiver = FrameReceiver(limits: FrameLimits(), expectsPreface: false)
        let header = FrameHeader(type: .data, streamID: 1, payloadByteCount: 1 << 20)
        _ = feed(&receiver, Array(encoded { header.encode(into: &$0) })[...])
        #expect(failure { _ = try receiver.next() } == .frameTooLarge)
    }

    @Test("Random bytes never trap", arguments: UInt64(1)...200)
    func noise(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var bytes = Self.bytes.prefix(40_000).map { $0 }
        if seed.isMultiple(of: 2) {
            for _ in 0..<20 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(
                    truncatingIfNeeded: generator.next())
            }
        } else {
            bytes = generator.bytes(2000)
            bytes[0] = 0
        }
        let pieces = (0..<50).map { _ in Int.random(in: 1...3000, using: &generator) }
        _ = failure { _ = try receiveAll(bytes, pieceByteCounts: pieces) }
    }
}
