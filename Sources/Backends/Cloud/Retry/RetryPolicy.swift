/// How often and for how long a request is repeated.
struct RetryPolicy: Sendable, Hashable {
    /// The first attempt counts.
    var maximumAttemptCount = 8
    /// From the first attempt until the last one begins.
    var totalTime = Duration.seconds(180)
    /// The most that is waited before the second attempt; doubles with every attempt.
    var baseDelay = Duration.milliseconds(50)
    /// The same after the server has asked to slow down.
    var throttleBaseDelay = Duration.milliseconds(500)
    /// Where the doubling ends.
    var maximumDelay = Duration.seconds(20)
    /// The most of a server's `Retry-After` that is honoured.
    var maximumRetryAfter = Duration.seconds(60)
}

/// Why an attempt is worth another one.
enum RetryReason: Sendable, Hashable, CaseIterable {
    /// A broken connection, or a server error that passes.
    case transient
    /// The server asks to slow down.
    case throttled
    /// Nothing came in time.
    case timeout
}
