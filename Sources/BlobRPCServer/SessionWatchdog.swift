internal import BlobCore
internal import BlobTransport
internal import BlobWire

/// Judges how long the peer of one session takes (rules W-03, W-52 to W-54). It owns no timer: the
/// session asks when to look again.
struct SessionWatchdog {
    /// What holds for both ends.
    var stalls: StallWatch
    private let timeouts: SessionTimeouts
    private var startedAt: ContinuousClock.Instant?
    private var isOpen = false
    private var lastCallAt: ContinuousClock.Instant?
    private var isCheckScheduled = false

    init(timeouts: SessionTimeouts) {
        self.timeouts = timeouts
        stalls = StallWatch(
            partialFrame: timeouts.partialFrame, writeStall: timeouts.writeStall)
    }

    mutating func begin(now: ContinuousClock.Instant) {
        startedAt = now
        lastCallAt = now
    }

    mutating func noteOpened() { isOpen = true }
    mutating func noteCall(now: ContinuousClock.Instant) { lastCallAt = now }

    /// When to call `check` next; nil when a check is scheduled already or nothing can time out.
    mutating func nextCheck(hasCalls: Bool) -> Duration? {
        let isWatching =
            !isOpen || stalls.isWatching || hasCalls || timeouts.idle != nil
        guard isWatching, !isCheckScheduled else { return nil }
        isCheckScheduled = true
        let shortest = min(
            timeouts.partialFrame, timeouts.writeStall, timeouts.streamProgress,
            isOpen ? .seconds(3600) : timeouts.handshake, timeouts.idle ?? .seconds(3600))
        // Looking four times in the shortest limit finds every overrun within a quarter of it.
        return max(.milliseconds(5), shortest / 4)
    }

    /// Which limit the peer has overrun; with `isClosing` it owes nothing but to read why.
    mutating func check(
        now: ContinuousClock.Instant, hasCalls: Bool, isClosing: Bool
    ) -> WireError? {
        isCheckScheduled = false
        func isOver(_ since: ContinuousClock.Instant?, _ limit: Duration) -> Bool {
            since.map { now - $0 >= limit } ?? false
        }
        if let error = stalls.check(now: now, isClosing: isClosing) { return error }
        guard !isClosing else { return nil }
        // W-03
        if !isOpen, isOver(startedAt, timeouts.handshake) {
            return WireError(.handshakeTimeout, "no HELLO within \(timeouts.handshake) (W-03)")
        }
        // W-54
        if let idle = timeouts.idle, !hasCalls, isOver(lastCallAt, idle) {
            return WireError(.peerStalled, "no call within \(idle) (W-54)")
        }
        return nil
    }
}
