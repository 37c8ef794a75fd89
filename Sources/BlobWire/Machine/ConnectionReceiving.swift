internal import BlobCore

extension ConnectionMachine {
    /// Takes one received frame.
    ///
    /// - Returns: What it means for the caller, or nil when the machine has dealt with it.
    public mutating func receive(
        _ frame: ReceivedFrame, now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        guard !isClosed else { return nil }
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
        case .credit:
            try receiveCredit(frame, now: now)
            return nil
        case .reset: return try receiveReset(header, now: now)
        case .stop: return try receiveStop(header, now: now)
        case .ping:
            try requireStream(header, zero: true)
            try pings.note("pings", now: now)
            // W-55
            control.pongEcho = header.auxiliary
            return nil
        case .pong:
            try requireStream(header, zero: true)
            try pings.note("pongs", now: now)
            return .pong(echo: header.auxiliary)
        case .goAway: return try receiveGoAway(frame, now: now)
        default:
            // W-14: an unknown frame is passed over, but not for ever.
            try glitches.note("unknown frames", now: now)
            return nil
        }
    }

    func requireStream(_ header: FrameHeader, zero: Bool) throws(WireError) {
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
        // W-21
        guard role == .server || hello.maximumStreamCount > 0 else {
            throw WireError(.badFrame, "the server offers no calls (W-21)")
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
        let hasEnd = header.flags.contains(.end)
        // W-22
        guard hasEnd || !header.flags.contains(.noData) else {
            throw WireError(.badFrame, "a request has NO_DATA without END (W-22)")
        }
        lastStreamID = streamID
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
        let stream = makeStream(streamID)
        // W-22
        let body: RequestBodyForm =
            hasEnd ? (header.flags.contains(.noData) ? .none : .empty) : .follows
        stream.remoteEnded = hasEnd
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
        let streamID = frame.header.streamID
        let isLast = frame.header.flags.contains(.end)
        if let limit = try connectionReceiveWindow.receive(frame.payload.count) {
            control.connectionCredit = limit
        }
        // W-36: an empty frame costs work and says nothing.
        if frame.payload.isEmpty && !isLast { try glitches.note("empty DATA frames", now: now) }
        guard let stream = streams[streamID] else {
            try receiveLateData(streamID, byteCount: frame.payload.count, isLast, now: now)
            return nil
        }
        guard !stream.remoteEnded else {
            throw WireError(.badStream, "DATA after END (W-23)")
        }
        // W-23: a response's last frame is always a trailer.
        guard role == .server || !isLast else {
            throw WireError(.badFrame, "END on response DATA (W-23)")
        }
        guard role == .server || stream.hasResponse else {
            throw WireError(.badFrame, "DATA before the response (W-23)")
        }
        if isLast { streams[streamID]?.remoteEnded = true }
        let limit = try streams[streamID]?.receiveWindow.receive(frame.payload.count)
        announce(limit ?? nil, streamID: streamID)
        if stream.isResetting || stream.isEnding || stream.isAnswered {
            consumeConnectionOnly(frame.payload.count)
            return nil
        }
        var payload = frame.payload
        let offset = try takeOffset(frame.header, &payload)
        if payload.isEmpty && !isLast {
            if offset != nil { try glitches.note("empty DATA frames", now: now) }
            return nil
        }
        return .data(streamID: streamID, payload: payload, offset: offset, isLast: isLast)
    }

    /// W-37: nobody has to fear an overflow behind this.
    private mutating func takeOffset(
        _ header: FrameHeader, _ payload: inout Bytes
    ) throws(WireError) -> UInt64? {
        guard header.flags.contains(.offset) else { return nil }
        guard role == .client else {
            throw WireError(.badFrame, "OFFSET on request DATA (W-37)")
        }
        let offset = try payload.withReader { (reader) throws(WireError) in
            try reader.readUInt64()
        }
        payload = payload.dropFirst(StreamState.offsetByteCount)
        consumed(streamID: header.streamID, byteCount: StreamState.offsetByteCount)
        guard offset <= UInt64(Int64.max) - UInt64(payload.count) else {
            throw WireError(.badFrame, "an offset lies beyond 2^63 - 1 (W-37)")
        }
        return offset
    }

    /// W-27: DATA that was under way when its stream ended is charged and dropped.
    private mutating func receiveLateData(
        _ streamID: UInt32, byteCount: Int, _ isLast: Bool, now: ContinuousClock.Instant
    ) throws(WireError) {
        guard wasOpened(streamID), role == .server else {
            throw WireError(.badStream, "DATA on a stream that was never opened (W-27)")
        }
        if draining[streamID] != nil {
            _ = try draining[streamID]?.receive(byteCount)
            if isLast { draining[streamID] = nil }
        } else {
            try glitches.note("frames for ended streams", now: now)
        }
        consumeConnectionOnly(byteCount)
    }
}
