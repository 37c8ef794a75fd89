internal import Synchronization

/// The tokens for retries of one endpoint, shared by all operations on it: when most requests fail,
/// repeating them all would only multiply the load on a service that is down.
final class RetryBudget: Sendable {
    private let tokens: Mutex<Int>
    private let capacity: Int

    private static let retryCost = 5
    private static let timeoutCost = 10
    private static let successGain = 1

    init(capacity: Int = 500) {
        self.capacity = max(0, capacity)
        tokens = Mutex(self.capacity)
    }

    /// How many tokens are left.
    var tokenCount: Int { tokens.withLock { $0 } }

    /// Pays for one retry; false when there are too few tokens.
    func withdraw(_ reason: RetryReason) -> Bool {
        let cost = reason == .timeout ? Self.timeoutCost : Self.retryCost
        return tokens.withLock { tokens in
            guard tokens >= cost else { return false }
            tokens -= cost
            return true
        }
    }

    /// An attempt has succeeded.
    func noteSuccess() {
        tokens.withLock { tokens in tokens = min(capacity, tokens + Self.successGain) }
    }
}
