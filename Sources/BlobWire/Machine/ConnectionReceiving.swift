internal import BlobCore

extension ConnectionMachine {
    /// Takes one received frame.
    ///
    /// - Returns: What it means for the caller, or nil when the machine has dealt with it.
    public mutating func receive(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        let header = frame.header
        // W-02: HELLO first, and only once.
        guard (peer == nil) == (header.type == .hello) else {
            throw WireError(.badFrame, "HELLO comes first and once (W-02)")
        }
        switch header.type {
        case .hello: return try receiveHello(frame)
        case .request: return try receiveRequest(frame, now: now)
        case .response: return try receiveResponse(frame)
        case .data: return try receiveData(frame, now: now)
        case .credit: return try receiveCredit(frame)
        case .reset: return try receiveReset(header, now: now)
        case .stop: return try receiveStop(header, now: now)
        case .ping:
            try requireStream(header, zero: true)
            try pings.note("pings", now: now)
            control.pongEcho = header.auxiliary
            return nil
        case .pong:
            try requireStream(header, zero: true)
            return .pong(echo: header.auxiliary)
        case .goAway: return try receiveGoAway(frame)
        default:
            // W-14: an unknown frame is passed over, but not for ever.
            try glitches.note("unknown frames", now: now)
            return nil
        }
    }

    private func requireStream(_ header: FrameHeader, zero: Bool) throws(WireError) {
        guard (header.streamID == 0) == zero else {
            throw WireError(.badStream, "the frame's stream must \(zero ? "" : "not ")be 0 (W-17)")
        }
    }

    private mutating func receiveHello(
        _ frame: ReceivedFrame
    ) throws(WireError) -> ConnectionEvent {
        try requireStream(frame.header, zero: true)
        let hello = try frame.payload.withReader { (reader) throws(WireError) in
            try HelloFrame(&reader)
        }
        accept(hello: hello)
        return .opened(hello)
    }

    private mutating func receiveRequest(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        let header = frame.header
        let streamID = header.streamID
        guard role == .server else {
            throw WireError(.badFrame, "only clients send requests (W-20)")
        }
        // W-20
        guard streamID % 2 == 1, streamID > lastStreamID else {
            throw WireError(.badStream, "stream ids are odd and ascend (W-20)")
        }
        lastStreamID = streamID
        let hasEnd = header.flags.contains(.end)
        if goAwaySentLastStreamID != nil {
            try glitches.note("calls after GOAWAY", now: now)
            refuse(streamID, .shuttingDown, "the server is shutting down", hasEnd: hasEnd)
            return nil
        }
        // W-21
        guard streams.count < Int(limits.maximumStreamCount) else {
            try glitches.note("calls over the limit", now: now)
            refuse(
                streamID, .refused, "\(limits.maximumStreamCount) calls are already running",
                hasEnd: hasEnd)
            return nil
        }
        makeStream(streamID)
        // W-22
        let body: RequestBodyForm =
            hasEnd ? (header.flags.contains(.noData) ? .none : .empty) : .follows
        streams[streamID]?.remoteEnded = hasEnd
        return .request(streamID: streamID, payload: frame.payload, body: body)
    }

    /// Answers a call that was never started; it holds no slot.
    private mutating func refuse(
        _ streamID: UInt32, _ code: BlobError.Code, _ message: String, hasEnd: Bool
    ) {
        let payload = (try? BlobResponse.failure(BlobError(code, message)).encodedPayload())
        appendSmall(
            FrameHeader(type: .response, flags: [.end, .noData], streamID: streamID),
            payload: payload ?? Bytes())
        guard !hasEnd else { return }
        makeStream(streamID)
        removeStream(streamID)
    }

    private mutating func receiveResponse(
        _ frame: ReceivedFrame
    ) throws(WireError) -> ConnectionEvent? {
        let header = frame.header
        guard role == .client else {
            throw WireError(.badFrame, "only servers send responses (W-20)")
        }
        // W-23: a client knows every stream on which a response can come.
        guard let stream = streams[header.streamID] else {
            throw WireError(.badStream, "a response on a stream that is not open (W-23)")
        }
        let isTrailer = header.flags.contains(.trailer)
        let isLast = header.flags.contains(.end)
        guard isTrailer == stream.hasResponse, isLast || !isTrailer else {
            throw WireError(.badFrame, "a response comes once, its trailer last (W-23)")
        }
        if isLast {
            removeStream(header.streamID)
        } else {
            streams[header.streamID]?.hasResponse = true
        }
        guard !stream.isResetting else {
            return isLast ? .reset(streamID: header.streamID, code: .cancelled) : nil
        }
        return isTrailer
            ? .trailer(streamID: header.streamID, payload: frame.payload)
            : .response(streamID: header.streamID, payload: frame.payload, isLast: isLast)
    }

    private mutating func receiveData(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        let header = frame.header
        let streamID = header.streamID
        try connectionReceiveWindow.receive(frame.payload.count)
        let isLast = header.flags.contains(.end)
        guard streams[streamID] != nil else {
            try receiveLateData(streamID, byteCount: frame.payload.count, isLast, now: now)
            return nil
        }
        guard let remoteEnded = streams[streamID]?.remoteEnded, !remoteEnded else {
            throw WireError(.badStream, "DATA after END (W-23)")
        }
        try streams[streamID]?.receiveWindow.receive(frame.payload.count)
        if frame.payload.isEmpty && !isLast {
            // W-36: an empty frame costs work and says nothing.
            try glitches.note("empty DATA frames", now: now)
        }
        if isLast {
            // W-23: a response's last frame is always a trailer.
            guard role == .server else {
                throw WireError(.badFrame, "END on response DATA (W-23)")
            }
            streams[streamID]?.remoteEnded = true
        } else if role == .client, streams[streamID]?.hasResponse != true {
            throw WireError(.badFrame, "DATA before the response (W-23)")
        }
        if streams[streamID]?.isResetting == true || streams[streamID]?.isEnding == true {
            consumeConnectionOnly(frame.payload.count)
            return nil
        }
        var offset: UInt64?
        var payload = frame.payload
        if header.flags.contains(.offset) {
            guard payload.count >= 8 else {
                throw WireError(.badFrame, "DATA with OFFSET is shorter than its offset (W-37)")
            }
            offset = try payload.withReader { (reader) throws(WireError) in
                try reader.readUInt64()
            }
            payload = payload.dropFirst(8)
            consumed(streamID: streamID, byteCount: 8)
        }
        return .data(streamID: streamID, payload: payload, offset: offset, isLast: isLast)
    }

    /// W-27: DATA that was under way when its stream ended is charged and dropped.
    private mutating func receiveLateData(
        _ streamID: UInt32, byteCount: Int, _ isLast: Bool, now: ContinuousClock.Instant
    ) throws(WireError) {
        guard streamID <= lastStreamID, streamID % 2 == 1, role == .server else {
            throw WireError(.badStream, "DATA on a stream that was never opened (W-27)")
        }
        if draining[streamID] != nil {
            try draining[streamID]?.receive(byteCount)
            if isLast { draining[streamID] = nil }
        } else {
            try glitches.note("frames for ended streams", now: now)
        }
        consumeConnectionOnly(byteCount)
    }

    private mutating func receiveCredit(
        _ frame: ReceivedFrame
    ) throws(WireError) -> ConnectionEvent? {
        let limit = try frame.payload.withReader { (reader) throws(WireError) in
            let limit = try reader.readUInt64()
            try reader.requireEnd()
            return limit
        }
        let streamID = frame.header.streamID
        if streamID == 0 {
            // Streams that the window held back keep their place in the round.
            _ = connectionSendWindow.raise(to: limit)
            return nil
        }
        guard streamID <= lastStreamID else {
            throw WireError(.badStream, "CREDIT for a stream that was never opened (W-31)")
        }
        if streams[streamID]?.sendWindow.raise(to: limit) == true { schedule(streamID) }
        return nil
    }

    private mutating func receiveReset(
        _ header: FrameHeader, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(header, zero: false)
        guard header.streamID <= lastStreamID else {
            throw WireError(.badStream, "RESET of a stream that was never opened (W-25)")
        }
        if role == .server { try resets.note("resets", now: now) }
        guard let stream = streams[header.streamID] else {
            draining[header.streamID] = nil
            return nil
        }
        let code = BlobError.Code(rawValue: UInt16(truncatingIfNeeded: header.auxiliary))
        if !stream.isEnding { dropQueued(header.streamID) }
        if role == .client {
            removeStream(header.streamID)
        } else {
            // W-25: repeated resets of one stream are one; an answer that is queued crosses it.
            guard !stream.isResetting, !stream.isEnding else { return nil }
            streams[header.streamID]?.isResetting = true
            streams[header.streamID]?.remoteEnded = true
        }
        return .reset(streamID: header.streamID, code: code)
    }

    private mutating func receiveStop(
        _ header: FrameHeader, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(header, zero: false)
        guard header.streamID <= lastStreamID else {
            throw WireError(.badStream, "STOP of a stream that was never opened (W-26)")
        }
        if role == .server { try resets.note("resets", now: now) }
        guard let stream = streams[header.streamID], !stream.isStopped else { return nil }
        streams[header.streamID]?.isStopped = true
        dropQueuedData(header.streamID)
        return .stopped(
            streamID: header.streamID,
            code: BlobError.Code(rawValue: UInt16(truncatingIfNeeded: header.auxiliary)))
    }

    private mutating func receiveGoAway(
        _ frame: ReceivedFrame
    ) throws(WireError) -> ConnectionEvent? {
        try requireStream(frame.header, zero: true)
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
