internal import BlobCore
internal import BlobWire

/// Judges how long the peer of one session takes (rules W-03, W-52 to W-54). It owns no timer: the
/// session asks when to look again.
struct SessionWatchdog {
    private let timeouts: SessionTimeouts
    private var startedAt: ContinuousClock.Instant?
    private var isOpen = false
    private var partialFrameSince: ContinuousClock.Instant?
    private var frameCount: UInt64 = 0
    private var blockedSince: ContinuousClock.Instant?
    private var lastCallAt: ContinuousClock.Instant?
    private var isCheckScheduled = false

    init(timeouts: SessionTimeouts) {
        self.timeouts = timeouts
    }

    mutating func begin(now: ContinuousClock.Instant) {
        startedAt = now
        lastCallAt = now
    }

    mutating func noteOpened() { isOpen = true }
    mutating func noteCall(now: ContinuousClock.Instant) { lastCallAt = now }
    mutating func noteWritten(now: ContinuousClock.Instant) { blockedSince = nil }
    mutating func noteUnblocked() { blockedSince = nil }

    mutating func noteBlocked(now: ContinuousClock.Instant) {
        if blockedSince == nil { blockedSince = now }
    }

    /// How many frames have come, and whether another has begun. Only its end stops its clock: a byte
    /// now and then is not progress.
    mutating func noteFrames(_ count: UInt64, isPartial: Bool, now: ContinuousClock.Instant) {
        if !isPartial {
            partialFrameSince = nil
        } else if partialFrameSince == nil || count != frameCount {
            partialFrameSince = now
        }
        frameCount = count
    }

    /// When to call `check` next; nil when a check is scheduled already or nothing can time out.
    mutating func nextCheck(hasCalls: Bool) -> Duration? {
        let isWatching =
            !isOpen || partialFrameSince != nil || blockedSince != nil || hasCalls
            || timeouts.idle != nil
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
        // W-53
        if isOver(blockedSince, timeouts.writeStall) {
            return WireError(.peerStalled, "the peer does not read (W-53)")
        }
        guard !isClosing else { return nil }
        // W-03
        if !isOpen, isOver(startedAt, timeouts.handshake) {
            return WireError(.handshakeTimeout, "no HELLO within \(timeouts.handshake) (W-03)")
        }
        // W-52
        if isOver(partialFrameSince, timeouts.partialFrame) {
            return WireError(.peerStalled, "half a frame, then nothing (W-52)")
        }
        // W-54
        if let idle = timeouts.idle, !hasCalls, isOver(lastCallAt, idle) {
            return WireError(.peerStalled, "no call within \(idle) (W-54)")
        }
        return nil
    }
}
