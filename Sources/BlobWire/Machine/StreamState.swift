internal import BlobCore

/// One call on a connection.
///
///     open ──(peer END)──> half closed ──(own END handed out)──> gone
///       │                                                         ^
///       ├──(own RESET)──> resetting ──(END or RESET arrives)──────┤   client
///       └──(peer RESET)─> cancelled ──(handler ends: RESET out)───┘   server
///
/// A class, so that the machine finds it once and changes it in place; the machine is its only
/// holder.
final class StreamState {
    /// The offset in front of a DATA payload (rule W-37).
    static var offsetByteCount: Int { 8 }

    var sendWindow: SendWindow
    var receiveWindow: ReceiveWindow
    var bulk = FIFO<BulkItem>()
    var queuedByteCount = 0
    /// Whether the stream stands in one of the lists of what can be handed out.
    var isScheduled = false
    /// Whether the producer waits for `drained`.
    var wantsDrained = false
    /// The peer sends nothing more on the stream.
    var remoteEnded = false
    /// Nothing more may be queued here: END or the trailer is queued or was sent.
    var localEnded = false
    /// This side asked to end the stream; bytes still arriving are dropped.
    var isResetting = false
    /// The peer wants no more DATA.
    var isStopped = false
    /// Server: the last frame is queued; the slot is free when it is handed out, so that a peer
    /// that does not read its answers cannot make them pile up.
    var isEnding = false
    /// Server: the call was answered for good while its handler still runs (rule W-21).
    var isAnswered = false
    /// The client has the response's first frame.
    var hasResponse = false

    init(sendLimit: UInt64, receiveLimit: UInt64) {
        sendWindow = SendWindow(limit: sendLimit)
        receiveWindow = ReceiveWindow(size: receiveLimit)
    }

    /// What the stream could hand out next, were the connection's window open.
    enum Readiness {
        case nothing
        /// A DATA frame, which needs credit.
        case data
        /// A frame that flow control does not charge.
        case end
    }

    var readiness: Readiness {
        switch bulk.first {
        case nil: .nothing
        case .data(_, let offset):
            sendWindow.available > (offset == nil ? 0 : UInt64(Self.offsetByteCount))
                ? .data : .nothing
        case .endOfData, .trailer: .end
        }
    }

    /// Splits the next DATA frame off the queue.
    ///
    /// In place, so that the queue is not copied for each frame.
    func takePiece(
        connectionCredit: UInt64, frameByteCount: Int
    ) -> (piece: OutboundPayload, offset: UInt64?)? {
        guard case .data(var payload, let offset) = bulk.first else { return nil }
        let prefixByteCount = offset == nil ? 0 : Self.offsetByteCount
        let credit = min(sendWindow.available, connectionCredit)
        let room = min(Int(clamping: credit), frameByteCount)
        guard room > prefixByteCount else { return nil }
        let byteCount = min(payload.byteCount, room - prefixByteCount)
        let piece = payload.takePrefix(byteCount)
        sendWindow.spend(byteCount + prefixByteCount)
        queuedByteCount -= byteCount
        if payload.byteCount == 0 {
            _ = bulk.popFirst()
        } else {
            bulk.first = .data(payload, offset: offset.map { $0 &+ UInt64(byteCount) })
        }
        return (piece, offset)
    }

    /// Takes END or the trailer off the queue when it is next.
    func takeEnd() -> BulkItem? {
        readiness == .end ? bulk.popFirst() : nil
    }
}
