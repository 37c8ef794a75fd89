internal import BlobCore
internal import BlobWire
internal import LinuxIO

/// One call being served. Belongs to its session: only the session's actor touches it.
final class Call {
    let streamID: UInt32
    let request: BlobRequest
    /// What follows the request: bytes or records.
    let body: InboundBody?
    let bodyForm: RequestBodyForm
    /// The stores as the policy had it when the call began.
    let store: PolicyStore
    /// What the call takes of its socket's quota.
    let share: QuotaShare
    let startedAt: ContinuousClock.Instant

    /// Bytes of bodies, for the audit.
    var receivedByteCount: UInt64 = 0
    var sentByteCount: UInt64 = 0
    var task: Task<Void, Never>?
    var deadline: TimerToken?
    /// Why the session ended the call; overrides whatever the handler reports.
    var failure: BlobError?
    /// The handler waiting for room in the stream's queue, or for it to be written.
    private var writeWaiter: UnsafeContinuation<Void, Never>?
    private(set) var writeWaitingSince: ContinuousClock.Instant?
    /// Everything queued on the call is in the kernel.
    var isWritten = false
    /// The client wants no more bytes, but still the answer (rule W-26).
    var isStopped = false

    init(
        streamID: UInt32, request: BlobRequest, body: InboundBody?, bodyForm: RequestBodyForm,
        store: PolicyStore, share: QuotaShare, startedAt: ContinuousClock.Instant
    ) {
        self.streamID = streamID
        self.request = request
        self.body = body
        self.bodyForm = bodyForm
        self.store = store
        self.share = share
        self.startedAt = startedAt
    }

    /// Whether anybody wants more bytes of this call.
    var isWanted: Bool { failure == nil && !isStopped }

    func wait(_ waiter: UnsafeContinuation<Void, Never>, since now: ContinuousClock.Instant) {
        writeWaiter = waiter
        writeWaitingSince = now
    }

    /// Wakes the handler that waits to write.
    func resumeWriter() {
        writeWaitingSince = nil
        guard let waiter = writeWaiter else { return }
        writeWaiter = nil
        waiter.resume()
    }
}
