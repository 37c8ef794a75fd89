internal import BlobCore

/// The sender's side of one window: absolute offsets, so that a repeated or reordered grant does no
/// harm (rule W-30).
struct SendWindow: Sendable {
    private(set) var limit: UInt64
    private(set) var sent: UInt64 = 0

    init(limit: UInt64) {
        self.limit = limit
    }

    var available: UInt64 { limit - sent }

    /// W-33: a limit that is not higher changes nothing.
    ///
    /// - Returns: Whether more may be sent than before.
    mutating func raise(to newLimit: UInt64) -> Bool {
        guard newLimit > limit else { return false }
        limit = newLimit
        return true
    }

    mutating func spend(_ byteCount: Int) {
        assert(UInt64(byteCount) <= available, "sent more than the window allows")
        sent += UInt64(byteCount)
    }
}

/// The receiver's side of one window.
struct ReceiveWindow: Sendable {
    private let size: UInt64
    private var limit: UInt64
    private var received: UInt64 = 0
    private var consumed: UInt64 = 0

    init(size: UInt64) {
        self.size = size
        limit = size
    }

    /// W-32
    ///
    /// - Returns: The new limit to announce when one is due: what others hold back may have left the
    ///   sender with less than was consumed meanwhile.
    mutating func receive(_ byteCount: Int) throws(WireError) -> UInt64? {
        guard UInt64(byteCount) <= limit - received else {
            throw WireError(.creditViolation, "more DATA came than was granted (W-32)")
        }
        received += UInt64(byteCount)
        return takeDueGrant()
    }

    /// Counts bytes as consumed.
    ///
    /// - Returns: The new limit to announce when one is due.
    mutating func consume(_ byteCount: Int) -> UInt64? {
        consumed += UInt64(byteCount)
        assert(consumed <= received, "consumed more than was received")
        return takeDueGrant()
    }

    /// W-34: a grant is due when a quarter of the window was consumed since the last one; and when
    /// the sender can hardly send and a little was consumed, for most of the window may be bytes
    /// that some stream holds back, and then a quarter would never come together.
    private mutating func takeDueGrant() -> UInt64? {
        let increase = consumed + size - limit
        let step = max(1, min(size / 16, 16 << 10))
        // An offset and one byte are the least that can be sent (W-37).
        let isNearlyBlocked = limit - received < max(step, 9)
        guard increase >= max(1, size / 4) || (isNearlyBlocked && increase >= step) else {
            return nil
        }
        limit = consumed + size
        return limit
    }
}

/// Counts events in a window of time (rule W-57).
struct GlitchWindow: Sendable {
    let maximumCount: Int
    let length: Duration
    private var start: ContinuousClock.Instant?
    private var count = 0

    init(maximumCount: Int, length: Duration) {
        self.maximumCount = maximumCount
        self.length = length
    }

    mutating func note(_ what: String, now: ContinuousClock.Instant) throws(WireError) {
        if let start, now - start <= length {
            count += 1
        } else {
            start = now
            count = 1
        }
        guard count <= maximumCount else {
            throw WireError(.tooManyGlitches, "too many \(what) within \(length) (W-57)")
        }
    }
}
