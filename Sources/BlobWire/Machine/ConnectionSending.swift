public import BlobCore

extension ConnectionMachine {
    /// Client: begins a call.
    ///
    /// - Precondition: `canOpenStream`, and `payload` has at most `maximumHeaderByteCount` bytes.
    /// - Returns: The stream of the call.
    public mutating func openStream(payload: Bytes, body: RequestBodyForm) -> UInt32 {
        assert(role == .client && canOpenStream)
        assert(payload.count <= maximumHeaderByteCount)
        lastStreamID += lastStreamID == 0 ? 1 : 2
        makeStream(lastStreamID)
        // W-22
        let flags: FrameFlags =
            switch body {
            case .none: [.end, .noData]
            case .empty: .end
            case .follows: []
            }
        streams[lastStreamID]?.localEnded = body != .follows
        appendSmall(
            FrameHeader(type: .request, flags: flags, streamID: lastStreamID), payload: payload)
        return lastStreamID
    }

    /// Server: answers a call; with `isLast` the call is over and its slot free once the answer is
    /// handed out.
    ///
    /// Bytes that are still queued on the stream are dropped when `isLast`: a failure does not wait
    /// for a peer that does not read. An answer longer than the client accepts is replaced by
    /// `tooLarge` (rule W-12); the slot is then held until the handler ends the call.
    public mutating func sendResponse(streamID: UInt32, payload: Bytes, isLast: Bool) {
        guard let stream = streams[streamID], !stream.isEnding else { return }
        // W-25: who reset the call is told that it has ended, nothing else.
        if stream.isResetting {
            if isLast { confirmReset(streamID: streamID) }
            return
        }
        if stream.isAnswered {
            if isLast { removeStream(streamID) }
            return
        }
        // W-23: one response, then at most the trailer.
        guard isLast || !stream.hasResponse else { return }
        let isTooLong = payload.count > maximumHeaderByteCount
        let endsCall = isLast || isTooLong
        var flags: FrameFlags = endsCall ? [.end, .noData] : []
        if stream.hasResponse { flags = [.end, .trailer] }
        if endsCall, !stream.bulk.isEmpty { dropQueued(streamID) }
        appendSmall(
            FrameHeader(type: .response, flags: flags, streamID: streamID),
            payload: isTooLong ? Self.tooLongAnswer : payload)
        stream.hasResponse = true
        guard endsCall else { return }
        stream.localEnded = true
        if isLast {
            endWithBatch(streamID)
        } else {
            stream.isAnswered = true
        }
    }

    /// Server: ends the body of a response; goes out behind the data that is queued.
    public mutating func sendTrailer(streamID: UInt32, payload: Bytes) {
        guard let stream = streams[streamID], !stream.isEnding else { return }
        if stream.isResetting || stream.isAnswered || stream.bulk.isEmpty {
            sendResponse(streamID: streamID, payload: payload, isLast: true)
        } else if !stream.localEnded {
            let isTooLong = payload.count > maximumHeaderByteCount
            streams[streamID]?.localEnded = true
            streams[streamID]?.bulk.append(.trailer(isTooLong ? Self.tooLongAnswer : payload))
            schedule(streamID)
        }
    }

    /// Server: the handler of a call that the client reset has ended; its slot is free once the
    /// confirmation is handed out (rule W-25).
    public mutating func confirmReset(streamID: UInt32) {
        guard let stream = streams[streamID], !stream.isEnding else { return }
        dropQueued(streamID)
        control.resets[streamID] = .cancelled
        endWithBatch(streamID)
    }

    /// Client: gives a call up. Its slot is free when the server has confirmed.
    public mutating func resetStream(streamID: UInt32, code: BlobError.Code) {
        assert(role == .client)
        guard let stream = streams[streamID], !stream.isResetting else { return }
        dropQueued(streamID)
        streams[streamID]?.isResetting = true
        control.resets[streamID] = code
        control.stops[streamID] = nil
        control.streamCredits[streamID] = nil
    }

    /// Asks the peer to send no more bytes on the stream.
    public mutating func stopStream(streamID: UInt32, code: BlobError.Code) {
        guard let stream = streams[streamID], !stream.isResetting, !stream.isEnding else { return }
        control.stops[streamID] = code
    }

    /// Whether the stream's queue has room. When it has none, the stream will be named in
    /// `OutboundBatch.drainedStreams` once it has, or once nobody wants its bytes any longer. True
    /// when the stream is gone or was stopped: `sendData` then says so.
    public mutating func hasRoom(streamID: UInt32) -> Bool {
        let hasRoom = queueHasRoom(streamID)
        if !hasRoom { streams[streamID]?.wantsDrained = true }
        return hasRoom
    }

    /// Whether everything queued on the stream has been handed out.
    public func isQueueEmpty(streamID: UInt32) -> Bool {
        streams[streamID]?.bulk.isEmpty ?? true
    }

    /// Queues bytes of a body.
    ///
    /// - Parameter offset: Where they begin in the blob, when the stream carries several ranges.
    /// - Returns: False when nobody wants them: the stream ended or was stopped.
    @discardableResult
    public mutating func sendData(
        streamID: UInt32, payload: OutboundPayload, offset: UInt64? = nil
    ) -> Bool {
        guard takesData(streamID) else { return false }
        guard payload.byteCount > 0 else { return true }
        streams[streamID]?.bulk.append(.data(payload, offset: offset))
        streams[streamID]?.queuedByteCount += payload.byteCount
        schedule(streamID)
        return true
    }

    /// Queues bytes of a body.
    ///
    /// - Returns: False when nobody wants them: the stream ended or was stopped.
    @discardableResult
    public mutating func sendData(
        streamID: UInt32, payload: Bytes, offset: UInt64? = nil
    ) -> Bool {
        sendData(streamID: streamID, payload: .bytes(payload), offset: offset)
    }

    /// Client: the request body is whole.
    public mutating func endData(streamID: UInt32) {
        guard takesData(streamID) else { return }
        streams[streamID]?.localEnded = true
        streams[streamID]?.bulk.append(.endOfData)
        schedule(streamID)
    }

    private func takesData(_ streamID: UInt32) -> Bool {
        guard let stream = streams[streamID] else { return false }
        return !stream.isResetting && !stream.isStopped && !stream.isEnding && !stream.localEnded
    }

    /// The application has taken `byteCount` bytes of the stream: grants go out when they are due.
    ///
    /// Every byte of every `.data` event has to be reported, also when the call has ended since.
    public mutating func consumed(streamID: UInt32, byteCount: Int) {
        consumeConnectionOnly(byteCount)
        let limit = streams[streamID]?.receiveWindow.consume(byteCount)
        announce(limit ?? nil, streamID: streamID)
    }

    mutating func consumeConnectionOnly(_ byteCount: Int) {
        if let limit = connectionReceiveWindow.consume(byteCount), !isClosed {
            control.connectionCredit = limit
        }
    }

    /// A grant is of use only while the peer may send on.
    mutating func announce(_ limit: UInt64?, streamID: UInt32) {
        guard let limit, let stream = streams[streamID], !stream.remoteEnded, !stream.isResetting,
            !stream.isEnding
        else { return }
        control.streamCredits[streamID] = limit
    }

    /// Asks for a `pong` with `echo`.
    public mutating func ping(echo: UInt32) {
        guard !isClosed else { return }
        control.pingEcho = echo
    }

    /// Takes no new calls from now on (rule W-56); running ones go on.
    public mutating func goAway(code: BlobError.Code, grace: Duration) {
        guard !isClosed else { return }
        let last = goAwaySentLastStreamID ?? lastStreamID
        goAwaySentLastStreamID = last
        control.goAway = (last, code, grace.wireMilliseconds)
    }

    /// Ends the connection for `error`: data and control frames that are queued are dropped, GOAWAY
    /// tells why, and nothing is taken or sent after it.
    public mutating func close(for error: WireError) {
        guard !isClosed else { return }
        for streamID in streams.keys { noteDrained(streamID) }
        streams.removeAll()
        draining.removeAll()
        drainingOrder.removeAll()
        ready.removeAll()
        readyEnds.removeAll()
        ending.removeAll()
        control = ControlState()
        goAway(code: error.code, grace: .zero)
        isClosed = true
    }

    /// W-25: the slot is free when what was queued last has been handed out.
    private mutating func endWithBatch(_ streamID: UInt32) {
        streams[streamID]?.isEnding = true
        control.streamCredits[streamID] = nil
        control.stops[streamID] = nil
        ending.append(streamID)
    }

    private static var tooLongAnswer: Bytes {
        let error = BlobError(.tooLarge, "the answer is longer than the client accepts (W-12)")
        return (try? BlobResponse.failure(error).encodedPayload()) ?? Bytes()
    }
}
