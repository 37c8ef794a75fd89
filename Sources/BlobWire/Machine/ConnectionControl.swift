internal import BlobCore

/// Received frames that carry no message and no body.
extension ConnectionMachine {
    /// Whether the client has, or had, a call of this number: they are odd (W-20).
    func wasOpened(_ streamID: UInt32) -> Bool {
        streamID <= lastStreamID && streamID % 2 == 1
    }

    mutating func receiveCredit(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) {
        let limit = try frame.payload.withReader { (reader) throws(WireError) in
            let limit = try reader.readUInt64()
            try reader.requireEnd()
            return limit
        }
        let streamID = frame.header.streamID
        guard streamID == 0 || wasOpened(streamID) else {
            throw WireError(.badStream, "CREDIT for a stream that was never opened (W-31)")
        }
        let isRaised: Bool
        if streamID == 0 {
            // Streams that the window held back keep their place in the round.
            isRaised = connectionSendWindow.raise(to: limit)
        } else if streams[streamID] != nil {
            isRaised = streams[streamID]?.sendWindow.raise(to: limit) ?? false
            schedule(streamID)
        } else {
            // W-27: the grant was under way when the call ended.
            return
        }
        // W-33
        if !isRaised { try glitches.note("CREDIT frames that grant nothing", now: now) }
    }

    mutating func receiveReset(
        _ header: FrameHeader, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(header, zero: false)
        guard wasOpened(header.streamID) else {
            throw WireError(.badStream, "RESET of a stream that was never opened (W-25)")
        }
        if role == .server { try resets.note("resets", now: now) }
        guard let stream = streams[header.streamID] else {
            draining[header.streamID] = nil
            return nil
        }
        let code = BlobError.Code(rawValue: UInt16(truncatingIfNeeded: header.auxiliary))
        if role == .client {
            removeStream(header.streamID)
        } else {
            // W-25: repeated resets of one stream are one; an answer that is queued crosses it.
            guard !stream.isResetting, !stream.isEnding else { return nil }
            dropQueued(header.streamID)
            streams[header.streamID]?.isResetting = true
            streams[header.streamID]?.remoteEnded = true
            // The handler has ended when its trailer is queued: nobody else would confirm.
            if stream.localEnded && !stream.isAnswered { confirmReset(streamID: header.streamID) }
        }
        return .reset(streamID: header.streamID, code: code)
    }

    mutating func receiveStop(
        _ header: FrameHeader, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(header, zero: false)
        guard wasOpened(header.streamID) else {
            throw WireError(.badStream, "STOP of a stream that was never opened (W-26)")
        }
        if role == .server { try resets.note("resets", now: now) }
        guard let stream = streams[header.streamID], !stream.isStopped, !stream.isEnding,
            !stream.isResetting
        else { return nil }
        streams[header.streamID]?.isStopped = true
        dropQueuedData(header.streamID)
        return .stopped(
            streamID: header.streamID,
            code: BlobError.Code(rawValue: UInt16(truncatingIfNeeded: header.auxiliary)))
    }

    mutating func receiveGoAway(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(frame.header, zero: true)
        if hasReceivedGoAway { try glitches.note("repeated GOAWAY frames", now: now) }
        hasReceivedGoAway = true
        let (code, grace) = try frame.payload.withReader { (reader) throws(WireError) in
            let code = BlobError.Code(rawValue: try reader.readUInt16())
            _ = try reader.readUInt16()
            let grace = Duration.milliseconds(Int64(try reader.readUInt32()))
            try reader.requireEnd()
            return (code, grace)
        }
        return .goAway(lastStreamID: frame.header.auxiliary, code: code, grace: grace)
    }
}
