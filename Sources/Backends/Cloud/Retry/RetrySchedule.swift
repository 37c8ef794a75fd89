/// Says for one operation whether to try again, and after which pause. No clock inside: times are
/// passed in.
struct RetrySchedule {
    /// How many attempts were begun, the first one included.
    private(set) var attemptCount = 1

    private let policy: RetryPolicy
    private let budget: RetryBudget
    private let end: ContinuousClock.Instant
    private let random: (_ ceiling: Duration) -> Duration

    /// - Parameters:
    ///   - deadline: When the caller gives up, if it does.
    ///   - random: A pause between zero and the ceiling; for tests.
    init(
        policy: RetryPolicy, budget: RetryBudget, deadline: ContinuousClock.Instant?,
        start: ContinuousClock.Instant,
        random: @escaping (_ ceiling: Duration) -> Duration = RetrySchedule.uniform
    ) {
        self.policy = policy
        self.budget = budget
        let policyEnd = start.advanced(by: policy.totalTime)
        end = deadline.map { min($0, policyEnd) } ?? policyEnd
        self.random = random
    }

    /// How long to wait before the next attempt, which counts as begun then; nil to give up.
    mutating func delay(
        after reason: RetryReason, retryAfter: Duration?, now: ContinuousClock.Instant
    ) -> Duration? {
        guard attemptCount < policy.maximumAttemptCount else { return nil }
        // Full jitter: clients that failed together do not come back together.
        let ceiling = ceiling(reason)
        var delay = min(max(.zero, random(ceiling)), ceiling)
        if let retryAfter { delay = max(delay, min(retryAfter, policy.maximumRetryAfter)) }
        // An attempt that begins when the time is up could only fail.
        guard now.advanced(by: delay) < end else { return nil }
        guard budget.withdraw(reason) else { return nil }
        attemptCount += 1
        return delay
    }

    private func ceiling(_ reason: RetryReason) -> Duration {
        var ceiling = reason == .throttled ? policy.throttleBaseDelay : policy.baseDelay
        var doublings = attemptCount - 1
        while doublings > 0, ceiling < policy.maximumDelay {
            ceiling *= 2
            doublings -= 1
        }
        return max(.zero, min(ceiling, policy.maximumDelay))
    }

    /// Any duration up to the ceiling is as likely as any other.
    static func uniform(_ ceiling: Duration) -> Duration {
        ceiling * Double.random(in: 0...1)
    }
}
