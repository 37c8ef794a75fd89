internal import BlobCore

/// What waits in the bulk lane and who waits for it to get shorter.
extension ConnectionMachine {
    /// Whether anything could be written now, or a producer is to be woken.
    public var hasOutbound: Bool {
        small.byteCount > 0 || !control.isEmpty || !drained.isEmpty || !readyEnds.isEmpty
            || (!ready.isEmpty && connectionHasCredit)
    }

    /// Whether the connection's window lets any DATA frame out: an offset and one byte (W-37).
    /// Less is not worth a frame, and asking it of all streams would be work per frame.
    var connectionHasCredit: Bool {
        connectionSendWindow.available > UInt64(StreamState.offsetByteCount)
    }

    func queueHasRoom(_ streamID: UInt32) -> Bool {
        guard let stream = streams[streamID] else { return true }
        return stream.queuedByteCount < Self.roomByteCount
            && stream.bulk.count < Self.roomPieceCount
    }

    /// Puts the stream into the list of what can be handed out.
    mutating func schedule(_ streamID: UInt32) {
        guard let stream = streams[streamID], !stream.isScheduled else { return }
        switch stream.readiness {
        case .nothing: return
        case .data:
            pruneReady()
            ready.append(streamID)
        case .end: readyEnds.append(streamID)
        }
        streams[streamID]?.isScheduled = true
    }

    /// Streams that ended while they stood in the list are forgotten before they outnumber the rest:
    /// while the connection has no credit nobody else takes them out.
    private mutating func pruneReady() {
        guard ready.count > 64 + 2 * streams.count else { return }
        var live = FIFO<UInt32>()
        while let streamID = ready.popFirst() {
            if streams[streamID] != nil { live.append(streamID) }
        }
        ready = live
    }

    /// The producer that waits for room has it, or need not wait any longer.
    mutating func noteDrained(_ streamID: UInt32) {
        guard streams[streamID]?.wantsDrained == true else { return }
        streams[streamID]?.wantsDrained = false
        drained.append(streamID)
    }

    mutating func dropQueued(_ streamID: UInt32) {
        streams[streamID]?.bulk.removeAll()
        streams[streamID]?.queuedByteCount = 0
        streams[streamID]?.isScheduled = false
        noteDrained(streamID)
    }

    /// W-26: after STOP only the trailer still goes out.
    mutating func dropQueuedData(_ streamID: UInt32) {
        var trailer: BulkItem?
        while let item = streams[streamID]?.bulk.popFirst() {
            if case .trailer = item { trailer = item }
        }
        dropQueued(streamID)
        guard let trailer else { return }
        streams[streamID]?.bulk.append(trailer)
        schedule(streamID)
    }
}
