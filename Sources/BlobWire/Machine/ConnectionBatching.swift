internal import BlobCore

extension ConnectionMachine {
    /// Takes the next frames to write: control first, then small frames, then DATA round-robin over
    /// the streams, one frame a turn (rule W-35).
    public mutating func takeBatch() -> OutboundBatch<Payload> {
        var batch = BatchBuilder<Payload>()
        swap(&batch.inline, &small)
        // Frames of the small lane were queued before the control frames, and a RESET must not
        // overtake the REQUEST it belongs to; both lie in the same write in any case.
        writeControl(into: &batch.inline)
        for streamID in ending { removeStream(streamID) }
        ending.removeAll(keepingCapacity: true)
        takeBulk(into: &batch)
        return batch.finish()
    }

    private mutating func writeControl(into writer: inout ByteWriter) {
        guard !control.isEmpty else { return }
        if let limit = control.connectionCredit { writeCredit(limit, streamID: 0, into: &writer) }
        for (streamID, limit) in control.streamCredits {
            writeCredit(limit, streamID: streamID, into: &writer)
        }
        for (type, codes) in [(FrameType.reset, control.resets), (.stop, control.stops)] {
            for (streamID, code) in codes {
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

    private mutating func takeBulk(into batch: inout BatchBuilder<Payload>) {
        var fruitlessTurnCount = 0
        while batch.bulkByteCount < Self.batchByteCount, fruitlessTurnCount < ready.count,
            let streamID = ready.popFirst()
        {
            guard var stream = streams[streamID] else { continue }
            let took = takeFrame(of: &stream, streamID, into: &batch)
            fruitlessTurnCount = took ? 0 : fruitlessTurnCount + 1
            if stream.wantsDrained, stream.queuedByteCount < Self.roomByteCount {
                stream.wantsDrained = false
                batch.drainedStreams.append(streamID)
            }
            // A stream without credit of its own leaves the round until CREDIT brings it back.
            stream.isScheduled = stream.isSendable(connectionCredit: 1)
            if stream.isScheduled { ready.append(streamID) }
            let isOver = stream.hasResponse && stream.bulk.isEmpty && batch.endedStream
            batch.endedStream = false
            streams[streamID] = stream
            if isOver { removeStream(streamID) }
        }
    }

    /// Hands one frame of the stream out.
    ///
    /// - Returns: Whether there was one to hand out.
    private mutating func takeFrame(
        of stream: inout StreamState<Payload>, _ streamID: UInt32,
        into batch: inout BatchBuilder<Payload>
    ) -> Bool {
        switch stream.bulk.first {
        case nil: return false
        case .endOfData:
            _ = stream.bulk.popFirst()
            batch.append(FrameHeader(type: .data, flags: .end, streamID: streamID))
            return true
        case .trailer(let payload):
            _ = stream.bulk.popFirst()
            batch.append(
                FrameHeader(type: .response, flags: [.end, .trailer], streamID: streamID),
                payload: payload)
            batch.endedStream = true
            return true
        case .data(var payload, let offset):
            // W-37: the offset in front is charged like the bytes.
            let prefixByteCount = offset == nil ? 0 : 8
            let credit = min(stream.sendWindow.available, connectionSendWindow.available)
            let room = min(
                Int(clamping: credit), peer?.frames.maximumDataByteCount ?? 0)
            guard room > prefixByteCount else { return false }
            let byteCount = min(payload.byteCount, room - prefixByteCount)
            let piece = payload.takePrefix(byteCount)
            batch.append(
                FrameHeader(
                    type: .data, flags: offset == nil ? [] : .offset, streamID: streamID,
                    payloadByteCount: byteCount + prefixByteCount),
                offset: offset, piece: piece)
            stream.sendWindow.spend(byteCount + prefixByteCount)
            connectionSendWindow.spend(byteCount + prefixByteCount)
            stream.queuedByteCount -= byteCount
            if payload.byteCount == 0 {
                _ = stream.bulk.popFirst()
            } else {
                stream.bulk.first = .data(payload, offset: offset.map { $0 + UInt64(byteCount) })
            }
            return true
        }
    }
}

/// Collects a batch: all headers and small frames lie in one run of bytes.
struct BatchBuilder<Payload: OutboundPayload>: ~Copyable {
    var inline = ByteWriter(capacity: 256)
    var drainedStreams: [UInt32] = []
    var bulkByteCount = 0
    var endedStream = false
    private var segments: [OutboundBatch<Payload>.Segment] = []
    private var inlineStart = 0

    mutating func append(_ header: FrameHeader, payload: Bytes = Bytes()) {
        var header = header
        header.payloadByteCount = payload.count
        header.encode(into: &inline)
        inline.write(payload)
        bulkByteCount += FrameHeader.byteCount + payload.count
    }

    mutating func append(_ header: FrameHeader, offset: UInt64?, piece: Payload) {
        header.encode(into: &inline)
        if let offset { inline.write(offset) }
        closeInline()
        bulkByteCount += piece.byteCount
        segments.append(.payload(piece))
    }

    private mutating func closeInline() {
        guard inlineStart < inline.byteCount else { return }
        segments.append(.inline(inlineStart..<inline.byteCount))
        inlineStart = inline.byteCount
    }

    consuming func finish() -> OutboundBatch<Payload> {
        closeInline()
        // Every field in it was checked when its message was encoded.
        let bytes = (try? inline.finish()) ?? Bytes()
        return OutboundBatch(inline: bytes, segments: segments, drainedStreams: drainedStreams)
    }
}
