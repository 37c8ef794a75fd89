internal import BlobCore

extension ConnectionMachine {
    /// Takes the next frames to write: control first, then small frames, then DATA round-robin over
    /// the streams, one frame a turn (rule W-35).
    public mutating func takeBatch() -> OutboundBatch {
        var batch = BatchBuilder()
        swap(&batch.inline, &small)
        // Frames of the small lane were queued before the control frames, and a RESET must not
        // overtake the REQUEST it belongs to; both lie in the same write in any case.
        writeControl(into: &batch.inline)
        for streamID in ending { removeStream(streamID) }
        ending.removeAll(keepingCapacity: true)
        takeBulk(into: &batch)
        swap(&batch.drainedStreams, &drained)
        return batch.finish()
    }

    private mutating func writeControl(into writer: inout ByteWriter) {
        guard !control.isEmpty else { return }
        if let limit = control.connectionCredit { writeCredit(limit, streamID: 0, into: &writer) }
        for (streamID, limit) in control.streamCredits.sorted(by: { $0.key < $1.key }) {
            writeCredit(limit, streamID: streamID, into: &writer)
        }
        for (type, codes) in [(FrameType.reset, control.resets), (.stop, control.stops)] {
            for (streamID, code) in codes.sorted(by: { $0.key < $1.key }) {
                FrameHeader(type: type, streamID: streamID, auxiliary: UInt32(code.rawValue))
                    .encode(into: &writer)
            }
        }
        if let echo = control.pongEcho {
            FrameHeader(type: .pong, auxiliary: echo).encode(into: &writer)
        }
        if let echo = control.pingEcho {
            FrameHeader(type: .ping, auxiliary: echo).encode(into: &writer)
        }
        if let goAway = control.goAway {
            FrameHeader(
                type: .goAway, auxiliary: goAway.lastStreamID,
                payloadByteCount: FrameLimits.goAwayByteCount
            ).encode(into: &writer)
            writer.write(goAway.code.rawValue)
            writer.write(UInt16(0))
            writer.write(goAway.graceMilliseconds)
        }
        control = ControlState()
    }

    private func writeCredit(_ limit: UInt64, streamID: UInt32, into writer: inout ByteWriter) {
        FrameHeader(
            type: .credit, streamID: streamID, payloadByteCount: FrameLimits.creditByteCount
        ).encode(into: &writer)
        writer.write(limit)
    }

    private mutating func takeBulk(into batch: inout BatchBuilder) {
        takeEnds(into: &batch)
        // Every turn hands out a frame or shortens the list, so this ends.
        while batch.bulkByteCount < Self.batchByteCount, connectionHasCredit,
            let streamID = ready.popFirst()
        {
            takeTurn(of: streamID, into: &batch)
        }
        takeEnds(into: &batch)
    }

    private mutating func takeTurn(of streamID: UInt32, into batch: inout BatchBuilder) {
        let taken = streams[streamID]?.takePiece(
            connectionCredit: connectionSendWindow.available,
            frameByteCount: peer?.frames.maximumDataByteCount ?? 0)
        // A stream whose data was dropped still stands in the list.
        guard let (piece, offset) = taken else { return }
        // W-37: the offset in front is charged like the bytes.
        let chargedByteCount =
            piece.byteCount + (offset == nil ? 0 : StreamState.offsetByteCount)
        connectionSendWindow.spend(chargedByteCount)
        batch.append(
            FrameHeader(
                type: .data, flags: offset == nil ? [] : .offset, streamID: streamID,
                payloadByteCount: chargedByteCount),
            offset: offset, piece: piece)
        if streams[streamID]?.wantsDrained == true, queueHasRoom(streamID) {
            noteDrained(streamID)
        }
        // A stream without credit of its own leaves the round until CREDIT brings it back.
        streams[streamID]?.isScheduled = false
        schedule(streamID)
    }

    /// Hands out what needs no credit: ends of bodies and trailers.
    private mutating func takeEnds(into batch: inout BatchBuilder) {
        while let streamID = readyEnds.popFirst() {
            streams[streamID]?.isScheduled = false
            switch streams[streamID]?.takeEnd() {
            case nil, .data: break
            case .endOfData:
                batch.append(FrameHeader(type: .data, flags: .end, streamID: streamID))
            case .trailer(let payload):
                batch.append(
                    FrameHeader(type: .response, flags: [.end, .trailer], streamID: streamID),
                    payload: payload)
                removeStream(streamID)
            }
        }
    }
}

/// Collects a batch: all headers and small frames lie in one run of bytes.
struct BatchBuilder: ~Copyable {
    var inline = ByteWriter(capacity: 256)
    var drainedStreams: [UInt32] = []
    private(set) var bulkByteCount = 0
    private var segments: [OutboundBatch.Segment] = []
    private var inlineStart = 0

    mutating func append(_ header: FrameHeader, payload: Bytes = Bytes()) {
        var header = header
        header.payloadByteCount = payload.count
        header.encode(into: &inline)
        inline.write(payload)
        bulkByteCount += FrameHeader.byteCount + payload.count
    }

    mutating func append(_ header: FrameHeader, offset: UInt64?, piece: OutboundPayload) {
        header.encode(into: &inline)
        if let offset { inline.write(offset) }
        closeInline()
        bulkByteCount += FrameHeader.byteCount + piece.byteCount
        segments.append(.payload(piece))
    }

    private mutating func closeInline() {
        guard inlineStart < inline.byteCount else { return }
        segments.append(.inline(inlineStart..<inline.byteCount))
        inlineStart = inline.byteCount
    }

    consuming func finish() -> OutboundBatch {
        closeInline()
        // Every field in it was checked when its message was encoded.
        let bytes = (try? inline.finish()) ?? Bytes()
        return OutboundBatch(inline: bytes, segments: segments, drainedStreams: drainedStreams)
    }
}
