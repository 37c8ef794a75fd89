internal import BlobCore

/// One call on a connection.
///
///     open ──(peer END)──> half closed ──(own END handed out)──> gone
///       │                                                         ^
///       ├──(own RESET)──> resetting ──(END or RESET arrives)──────┤   client
///       └──(peer RESET)─> cancelled ──(handler ends: RESET out)───┘   server
struct StreamState<Payload: OutboundPayload>: Sendable {
    var sendWindow: SendWindow
    var receiveWindow: ReceiveWindow
    var bulk = FIFO<BulkItem<Payload>>()
    var queuedByteCount = 0
    /// Whether the stream stands in the round-robin list.
    var isScheduled = false
    /// Whether the producer waits for `drained`.
    var wantsDrained = false
    /// The peer sends nothing more on the stream.
    var remoteEnded = false
    /// This side asked to end the stream; bytes still arriving are dropped.
    var isResetting = false
    /// The peer wants no more DATA.
    var isStopped = false
    /// Server: the last response is queued; the slot is free when it is handed out, so that a peer
    /// that does not read its answers cannot make them pile up.
    var isEnding = false
    /// The client has the response's first frame.
    var hasResponse = false

    init(sendLimit: UInt64, receiveLimit: UInt64) {
        sendWindow = SendWindow(limit: sendLimit)
        receiveWindow = ReceiveWindow(size: receiveLimit)
    }

    /// Whether a frame could be handed out now, were the connection's window open.
    func isSendable(connectionCredit: UInt64) -> Bool {
        switch bulk.first {
        case nil: false
        case .data: sendWindow.available > 0 && connectionCredit > 0
        case .endOfData, .trailer: true
        }
    }
}
