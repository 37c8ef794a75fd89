import BlobCore

/// The time limit of the whole command, shared out to its calls: a listing of many pages gets one
/// limit, not one per page.
struct CallDeadline {
    /// When the command has to be done; nil means never.
    let instant: ContinuousClock.Instant?

    init(timeout: Duration?) {
        instant = timeout.map { ContinuousClock.now + $0 }
    }

    /// The options of a call that begins now.
    func options() throws(BlobError) -> CallOptions {
        guard let instant else { return CallOptions() }
        let remaining = instant - ContinuousClock.now
        guard remaining > .zero else { throw Self.exceeded }
        return CallOptions(timeout: remaining)
    }

    /// The limit has passed.
    static let exceeded = BlobError(
        .deadlineExceeded, "the time limit of the command passed", origin: .client)
}
