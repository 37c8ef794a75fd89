import BlobCore
import Testing

@testable import BlobWire

/// W-21, W-23, W-25, W-26, W-35: what a machine hands out and who is woken.
@Suite struct ConnectionSendingTests {
    private func server(
        limits: ConnectionLimits = smallLimits(), peer: ConnectionLimits = smallLimits(),
        calls: Int
    ) throws -> Side {
        let side = try Side(.server, limits: limits, peer: peer)
        for index in 0..<calls {
            try side.receive(.request(UInt32(index * 2 + 1), [.end, .noData]))
        }
        return side
    }

    @Test("W-35: streams whose data was dropped do not end the round for the others")
    func droppedStreamsDoNotEndTheRound() throws {
        let side = try server(calls: 3)
        for streamID: UInt32 in [1, 3, 5] {
            side.machine.sendResponse(streamID: streamID, payload: blank(4), isLast: false)
        }
        _ = side.frames()
        for streamID: UInt32 in [1, 3, 5] {
            side.sendData(streamID, 10)
        }
        try side.receive(.stop(1))
        try side.receive(.stop(3))
        #expect(side.batch().map(\.description) == ["DATA 5 10"])
    }

    @Test("W-37: credit too small for an offset does not keep the writer spinning")
    func creditSmallerThanOffset() throws {
        let side = try server(peer: smallLimits(stream: 8), calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(4), isLast: false)
        _ = side.frames()
        side.sendData(1, 10, offset: 0)
        #expect(side.frames() == [])
        try side.receive(.credit(1, 12))
        #expect(side.frames() == ["DATA 1 OFFSET 12"])
    }

    @Test("W-37: the same for the window of the connection")
    func connectionCreditSmallerThanOffset() throws {
        let side = try server(peer: smallLimits(stream: 1000, connection: 5), calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(4), isLast: false)
        _ = side.frames()
        side.sendData(1, 10, offset: 0)
        #expect(side.frames() == [])
        try side.receive(.credit(0, 100))
        #expect(side.frames() == ["DATA 1 OFFSET 18"])
    }

    @Test("W-35: a trailer does not wait for the window of the connection")
    func trailerNeedsNoCredit() throws {
        let side = try server(peer: smallLimits(stream: 100, connection: 100), calls: 2)
        for streamID: UInt32 in [1, 3] {
            side.machine.sendResponse(streamID: streamID, payload: blank(4), isLast: false)
            side.sendData(streamID, 100)
        }
        _ = side.frames()
        side.machine.sendTrailer(streamID: 3, payload: blank(4))
        #expect(side.frames() == [])
        // The client gives up the bytes of 3: its trailer goes out although 0 has no credit.
        try side.receive(.stop(3))
        #expect(side.frames() == ["RESPONSE 3 END|TRAILER"])
    }

    @Test("W-25: a reset that meets a queued trailer is confirmed, and the slot is free")
    func resetAfterQueuedTrailer() throws {
        let side = try server(peer: smallLimits(stream: 10), calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(4), isLast: false)
        side.sendData(1, 100)
        side.machine.sendTrailer(streamID: 1, payload: blank(4))
        _ = side.frames()
        #expect(try side.receive(.reset(1)) == "reset 1 CANCELLED")
        #expect(side.frames() == ["RESET 1 CANCELLED"])
        #expect(side.activeStreamCount == 0)
    }

    @Test("W-25: the slot is held until the confirmation is handed out")
    func unreadConfirmationsAreBounded() throws {
        let side = try server(limits: smallLimits(streams: 2, glitches: 100), calls: 2)
        for streamID: UInt32 in [1, 3] {
            try side.receive(.reset(streamID))
            side.machine.confirmReset(streamID: streamID)
        }
        #expect(side.activeStreamCount == 2)
        #expect(try side.receive(.request(5, [.end, .noData])) == "-")
        #expect(
            side.frames() == [
                "RESPONSE 5 END|NO_DATA", "RESET 1 CANCELLED", "RESET 3 CANCELLED",
            ])
        #expect(side.activeStreamCount == 0)
    }

    @Test("W-26: a producer that waits for room is woken when its data is dropped")
    func droppedDataWakesTheProducer() throws {
        let side = try server(calls: 3)
        for streamID: UInt32 in [1, 3, 5] {
            side.machine.sendResponse(streamID: streamID, payload: blank(4), isLast: false)
            side.sendData(streamID, 600 << 10)
        }
        _ = side.frames()
        let rooms = [1, 3, 5].map { side.hasRoom($0) }
        #expect(rooms == [false, false, false])
        #expect(!side.hasOutbound)
        try side.receive(.stop(1))
        try side.receive(.reset(3))
        side.machine.sendResponse(streamID: 5, payload: blank(4), isLast: true)
        #expect(side.hasOutbound)
        #expect(side.drained() == [1, 3, 5])
    }

    @Test("W-26: the end of a call wakes a client's producer")
    func endOfCallWakesTheProducer() throws {
        let side = try Side(.client, peer: smallLimits())
        let streamID = side.machine.openStream(payload: blank(8), body: .follows)
        side.sendData(streamID, 600 << 10)
        _ = side.frames()
        #expect(side.hasRoom(streamID) == false)
        try side.receive(.response(streamID, [.end, .noData]))
        #expect(side.drained() == [streamID])
    }

    @Test("W-23: nothing follows a trailer or an END")
    func nothingFollowsTheEnd() throws {
        let side = try server(peer: smallLimits(stream: 10), calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(4), isLast: false)
        side.sendData(1, 20)
        side.machine.sendTrailer(streamID: 1, payload: blank(4))
        #expect(side.sendData(1, 20) == false)
        side.machine.sendTrailer(streamID: 1, payload: blank(4))
        _ = side.frames()
        try side.receive(.credit(1, 1000))
        #expect(side.frames() == ["DATA 1 10", "RESPONSE 1 END|TRAILER"])

        let client = try Side(.client)
        let streamID = client.machine.openStream(payload: blank(8), body: .follows)
        client.machine.endData(streamID: streamID)
        client.machine.endData(streamID: streamID)
        #expect(client.sendData(streamID, 1) == false)
        #expect(client.frames() == ["REQUEST 1", "DATA 1 END 0"])
    }

    @Test("W-12: an answer longer than the peer accepts becomes an error, not a broken connection")
    func longAnswer() throws {
        var peer = smallLimits()
        peer.frames.maximumHeaderByteCount = 16 << 10
        let side = try server(peer: peer, calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(17 << 10), isLast: true)
        let frame = try #require(side.batch().first)
        let response = try BlobResponse(payload: Bytes(frame.payload), answering: .head)
        guard case .failure(let error) = response else {
            Issue.record("\(response)")
            return
        }
        #expect(error.code == .tooLarge)
    }

    @Test("W-12: an answer with a body that is too long ends the call")
    func longAnswerWithBody() throws {
        var peer = smallLimits()
        peer.frames.maximumHeaderByteCount = 16 << 10
        let side = try server(peer: peer, calls: 1)
        side.machine.sendResponse(streamID: 1, payload: blank(17 << 10), isLast: false)
        side.sendData(1, 100)
        side.machine.sendTrailer(streamID: 1, payload: blank(4))
        #expect(side.frames() == ["RESPONSE 1 END|NO_DATA"])
        #expect(side.activeStreamCount == 0)
    }

    @Test("W-56: a second GOAWAY never names a later stream")
    func goAwayNeverRises() throws {
        let side = try server(calls: 1)
        side.machine.goAway(code: .shuttingDown, grace: .milliseconds(1500))
        #expect(side.batch().map(\.payload) == [[4, 3, 0, 0, 0, 0, 0x05, 0xDC]])
        try side.receive(.request(3, [.end, .noData]))
        side.machine.close(for: WireError(.badFrame, ""))
        #expect(side.frames().last == "GOAWAY last=1 BAD_FRAME")
    }

    @Test("W-56: no call begins after GOAWAY, nor on a closed connection")
    func noCallAfterGoAway() throws {
        let side = try Side(.client)
        #expect(side.canOpenStream)
        try side.receive(.goAway(0, .shuttingDown))
        #expect(!side.canOpenStream)

        let closed = try Side(.client)
        closed.machine.close(for: WireError(.badFrame, ""))
        #expect(!closed.canOpenStream)
        closed.machine.ping(echo: 1)
        closed.machine.consumed(streamID: 1, byteCount: 0)
        #expect(closed.frames() == ["GOAWAY last=0 BAD_FRAME"])
        #expect(closed.hasRoom(1))
        #expect(try closed.receive(.ping(3)) == "-")
        #expect(closed.frames() == [])
    }
}
