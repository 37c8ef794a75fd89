/// How much of a rate is left. It may be overdrawn: who takes more than there is waits until the debt
/// is paid.
struct TokenBucket: Sendable {
    private var tokens: Double?
    private var updatedAt = ContinuousClock.now

    /// Takes `count` tokens if there are any.
    ///
    /// - Returns: Nil when they were taken; else how long to wait before asking again.
    mutating func take(
        _ count: UInt64, of limit: RateLimit, now: ContinuousClock.Instant
    ) -> Duration? {
        let available = refill(limit, now)
        guard available >= Double(count) else {
            return Self.duration(of: Double(count) - available, limit)
        }
        tokens = available - Double(count)
        return nil
    }

    /// Takes `count` tokens, whether or not they are there.
    ///
    /// - Returns: How long until the debt is paid; nil without one.
    mutating func overdraw(
        _ count: UInt64, of limit: RateLimit, now: ContinuousClock.Instant
    ) -> Duration? {
        let available = refill(limit, now) - Double(count)
        tokens = available
        return available < 0 ? Self.duration(of: -available, limit) : nil
    }

    /// Whether nothing has been taken that has not come back.
    func isFull(of limit: RateLimit, now: ContinuousClock.Instant) -> Bool {
        var copy = self
        return copy.refill(limit, now) >= Double(limit.burst)
    }

    private mutating func refill(_ limit: RateLimit, _ now: ContinuousClock.Instant) -> Double {
        let elapsed = max(.zero, now - updatedAt) / .seconds(1)
        updatedAt = max(now, updatedAt)
        let burst = Double(limit.burst)
        return min(burst, (tokens ?? burst) + elapsed * Double(limit.perSecond))
    }

    private static func duration(of tokens: Double, _ limit: RateLimit) -> Duration {
        .nanoseconds(Int64(min(tokens / Double(limit.perSecond), 86_400) * 1e9) + 1)
    }
}
