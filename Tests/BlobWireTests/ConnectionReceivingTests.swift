import BlobCore
import Testing

@testable import BlobWire

/// What a machine makes of frames that are wrong, late or useless.
@Suite struct ConnectionReceivingTests {
    private func client(calls: Int, answered: Bool = true) throws -> Side {
        let side = try Side(.client, limits: smallLimits(), peer: smallLimits())
        for _ in 0..<calls {
            let streamID = side.machine.openStream(payload: blank(8), body: .none)
            if answered { try side.receive(.response(streamID)) }
        }
        _ = side.frames()
        return side
    }

    @Test("W-37: an offset whose bytes end beyond 2^63 - 1 is refused before anybody adds to it")
    func hugeOffset() throws {
        for offset: UInt64 in [.max, .max - 4, 1 << 63, (1 << 63) - 4] {
            let side = try client(calls: 1)
            var frame = TestFrame.data(1, 5, .offset)
            frame.payload = bigEndian(offset) + [1, 2, 3, 4, 5]
            #expect(failure { try side.receive(frame) } == .badFrame, "\(offset)")
        }
        let side = try client(calls: 1)
        var frame = TestFrame.data(1, 5, .offset)
        frame.payload = bigEndian(UInt64(Int64.max) - 5) + [1, 2, 3, 4, 5]
        #expect(try side.receive(frame) == "data 1 5 @9223372036854775802")
    }

    @Test("W-37: only responses carry offsets")
    func offsetOnRequest() throws {
        let side = try Side(.server)
        try side.receive(.request(1))
        #expect(failure { try side.receive(.data(1, 16, .offset)) } == .badFrame)
    }

    @Test("W-37: DATA with OFFSET holds its offset")
    func shortOffset() throws {
        let side = try client(calls: 1)
        #expect(failure { try side.receive(.data(1, 7, .offset)) } == .badFrame)
    }

    @Test("W-22: NO_DATA without END contradicts itself")
    func noDataWithoutEnd() throws {
        let side = try Side(.server)
        #expect(failure { try side.receive(.request(1, .noData)) } == .badFrame)
    }

    @Test(
        "W-25, W-26, W-31: streams have odd numbers",
        arguments: [TestFrame.reset(2), .stop(2), .credit(2, 7)])
    func evenStreams(frame: TestFrame) throws {
        let side = try Side(.server)
        try side.receive(.request(3))
        #expect(failure { try side.receive(frame) } == .badStream)
    }

    @Test("W-36: frames that carry nothing are glitches and no events", arguments: [false, true])
    func empties(withOffset: Bool) throws {
        let side = try client(calls: 1)
        let frame = withOffset ? TestFrame.data(1, 8, .offset) : .data(1, 0)
        for _ in 0..<5 { #expect(try side.receive(frame) == "-") }
        #expect(failure { try side.receive(frame) } == .tooManyGlitches)
    }

    @Test("W-33, W-55, W-56: useless control frames are glitches")
    func uselessControlFrames() throws {
        let useless: [TestFrame] = [
            .credit(0, 0), .credit(1, 7), .pong(1), .ping(1), .goAway(0, .shuttingDown),
            TestFrame(type: FrameType(rawValue: 77)),
        ]
        for frame in useless {
            let side = try client(calls: 1)
            var count = 0
            let code = failure {
                while count < 20 {
                    try side.receive(frame)
                    count += 1
                }
            }
            #expect(code == .tooManyGlitches, "\(frame)")
            #expect((5...6).contains(count), "\(frame)")
        }
    }

    @Test("W-57: the count begins anew after the window")
    func glitchWindow() throws {
        let side = try Side(.server, limits: smallLimits())
        for _ in 0..<10 {
            for _ in 0..<5 { try side.receive(.ping(1)) }
            side.now += .seconds(31)
        }
    }

    @Test("W-02: a server offers at least one call")
    func noStreams() throws {
        let side = try Side(.client, isOpen: false)
        let hello = HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 0)
        #expect(failure { try side.receive(.hello(hello)) } == .badFrame)
    }

    @Test("W-25: a reset that its call overtook is not sent")
    func overtakenReset() throws {
        let side = try client(calls: 1)
        side.machine.stopStream(streamID: 1, code: .cancelled)
        side.machine.resetStream(streamID: 1, code: .cancelled)
        #expect(try side.receive(.response(1, [.end, .trailer])) == "reset 1 CANCELLED")
        #expect(side.frames() == [])
    }

    @Test("W-27: late data of ended calls is charged, dropped and granted again")
    func lateDataIsGrantedAgain() throws {
        let side = try Side(.server, limits: smallLimits(stream: 1000, connection: 4000))
        try side.receive(.request(1))
        side.machine.sendResponse(streamID: 1, payload: blank(4), isLast: true)
        _ = side.frames()
        #expect(try side.receive(.data(1, 1000)) == "-")
        #expect(side.frames() == ["CREDIT 0 =5000"])
        // The stream's own limit still holds.
        #expect(failure { try side.receive(.data(1, 1)) } == .creditViolation)
    }

    @Test("W-27: data on a stream that never was ends the connection")
    func dataOnUnopenedStream() throws {
        for streamID: UInt32 in [2, 3, 0] {
            let side = try Side(.server)
            try side.receive(.request(1))
            #expect(failure { try side.receive(.data(streamID, 1)) } == .badStream)
        }
    }
}
