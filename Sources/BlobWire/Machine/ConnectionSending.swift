public import BlobCore

extension ConnectionMachine {
    /// Client: begins a call.
    ///
    /// - Precondition: `canOpenStream`.
    /// - Returns: The stream of the call.
    public mutating func openStream(payload: Bytes, body: RequestBodyForm) -> UInt32 {
        assert(role == .client && canOpenStream)
        lastStreamID += lastStreamID == 0 ? 1 : 2
        makeStream(lastStreamID)
        let flags: FrameFlags =
            switch body {
            case .none: [.end, .noData]
            case .empty: .end
            case .follows: []
            }
        appendSmall(
            FrameHeader(type: .request, flags: flags, streamID: lastStreamID), payload: payload)
        return lastStreamID
    }

    /// Server: answers a call; with `isLast` the call is over and its slot free.
    ///
    /// Bytes that are still queued on the stream are dropped when `isLast`: a failure does not wait
    /// for a peer that does not read.
    public mutating func sendResponse(streamID: UInt32, payload: Bytes, isLast: Bool) {
        guard let stream = streams[streamID], !stream.isEnding else { return }
        // W-25: who reset the call is told that it has ended, nothing else.
        if stream.isResetting {
            if isLast { confirmReset(streamID: streamID) }
            return
        }
        var flags: FrameFlags = isLast ? [.end, .noData] : []
        if stream.hasResponse {
            flags = [.end, .trailer]
            dropQueued(streamID)
        }
        appendSmall(
            FrameHeader(type: .response, flags: flags, streamID: streamID), payload: payload)
        streams[streamID]?.hasResponse = true
        guard isLast else { return }
        streams[streamID]?.isEnding = true
        ending.append(streamID)
    }

    /// Server: ends the body of a response; goes out behind the data that is queued.
    public mutating func sendTrailer(streamID: UInt32, payload: Bytes) {
        guard let stream = streams[streamID], !stream.isEnding else { return }
        if stream.isResetting {
            confirmReset(streamID: streamID)
        } else if stream.bulk.isEmpty {
            sendResponse(streamID: streamID, payload: payload, isLast: true)
        } else {
            streams[streamID]?.bulk.append(.trailer(payload))
            schedule(streamID)
        }
    }

    /// Server: the handler of a call that the client reset has ended; its slot is free.
    public mutating func confirmReset(streamID: UInt32) {
        guard streams[streamID] != nil else { return }
        dropQueued(streamID)
        control.resets[streamID] = .cancelled
        removeStream(streamID)
    }

    /// Client: gives a call up. Its slot is free when the server has confirmed.
    public mutating func resetStream(streamID: UInt32, code: BlobError.Code) {
        assert(role == .client)
        guard let stream = streams[streamID], !stream.isResetting else { return }
        dropQueued(streamID)
        streams[streamID]?.isResetting = true
        control.resets[streamID] = code
        control.streamCredits[streamID] = nil
    }

    /// Asks the peer to send no more bytes on the stream.
    public mutating func stopStream(streamID: UInt32, code: BlobError.Code) {
        guard streams[streamID] != nil else { return }
        control.stops[streamID] = code
    }

    /// Whether the stream's queue has room. When it has none, the stream will be named in
    /// `OutboundBatch.drainedStreams` once it has. False forever when the stream is gone.
    public mutating func hasRoom(streamID: UInt32) -> Bool {
        guard let stream = streams[streamID] else { return true }
        let hasRoom = stream.queuedByteCount < Self.roomByteCount
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
        streamID: UInt32, payload: Payload, offset: UInt64? = nil
    ) -> Bool {
        guard let stream = streams[streamID], !stream.isResetting, !stream.isStopped,
            !stream.isEnding
        else { return false }
        guard payload.byteCount > 0 else { return true }
        streams[streamID]?.bulk.append(.data(payload, offset: offset))
        streams[streamID]?.queuedByteCount += payload.byteCount
        schedule(streamID)
        return true
    }

    /// Client: the request body is whole.
    public mutating func endData(streamID: UInt32) {
        guard let stream = streams[streamID], !stream.isResetting, !stream.isStopped else { return }
        streams[streamID]?.bulk.append(.endOfData)
        schedule(streamID)
    }

    /// The application has taken `byteCount` bytes of the stream: grants go out when they are due.
    public mutating func consumed(streamID: UInt32, byteCount: Int) {
        consumeConnectionOnly(byteCount)
        guard let stream = streams[streamID], !stream.remoteEnded, !stream.isResetting else {
            return
        }
        if let limit = streams[streamID]?.receiveWindow.consume(byteCount) {
            control.streamCredits[streamID] = limit
        }
    }

    mutating func consumeConnectionOnly(_ byteCount: Int) {
        if let limit = connectionReceiveWindow.consume(byteCount) {
            control.connectionCredit = limit
        }
    }

    /// Asks for a `pong` with `echo`.
    public mutating func ping(echo: UInt32) {
        control.pingEcho = echo
    }

    /// Takes no new calls from now on (rule W-56); running ones go on.
    public mutating func goAway(code: BlobError.Code, grace: Duration) {
        goAwaySentLastStreamID = lastStreamID
        let milliseconds = UInt32(clamping: max(0, grace.components.seconds) &* 1000)
        control.goAway = (lastStreamID, code, milliseconds)
    }

    /// Ends the connection for `error`: everything queued is dropped, GOAWAY tells why.
    public mutating func close(for error: WireError) {
        streams.removeAll()
        ready.removeAll()
        control = ControlState()
        goAway(code: error.code, grace: .zero)
    }

    /// Whether anything could be written now.
    public var hasOutbound: Bool {
        if small.byteCount > 0 || !control.isEmpty { return true }
        guard !ready.isEmpty else { return false }
        return connectionSendWindow.available > 0 || hasUnchargedOutbound
    }

    private var hasUnchargedOutbound: Bool {
        // Only reached when the connection's window is used up; the round is short then.
        streams.values.contains { $0.isScheduled && $0.isSendable(connectionCredit: 0) }
    }

    mutating func schedule(_ streamID: UInt32) {
        guard let stream = streams[streamID], !stream.isScheduled,
            stream.isSendable(connectionCredit: 1)
        else { return }
        streams[streamID]?.isScheduled = true
        ready.append(streamID)
    }

    mutating func dropQueued(_ streamID: UInt32) {
        streams[streamID]?.bulk.removeAll()
        streams[streamID]?.queuedByteCount = 0
    }

    /// After STOP only the trailer still goes out.
    mutating func dropQueuedData(_ streamID: UInt32) {
        guard var stream = streams[streamID] else { return }
        var kept = FIFO<BulkItem<Payload>>()
        while let item = stream.bulk.popFirst() {
            if case .trailer = item { kept.append(item) }
        }
        stream.bulk = kept
        stream.queuedByteCount = 0
        streams[streamID] = stream
        schedule(streamID)
    }
}
