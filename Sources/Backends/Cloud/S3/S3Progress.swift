internal import Backends
internal import BlobCore

/// How far the attempts of one request have come: decides whether there is another.
struct S3Progress {
    private let request: S3Request
    private var schedule: RetrySchedule
    private var corrections: Set<S3ErrorRule.Correction> = []
    /// Whether an attempt may have been acted upon without our knowing.
    private(set) var isAmbiguous = false

    init(
        _ request: S3Request, policy: RetryPolicy, budget: RetryBudget, deadline: CallDeadline
    ) {
        self.request = request
        schedule = RetrySchedule(
            policy: policy, budget: budget, deadline: deadline.end, start: .now)
    }

    /// Whether `correction` was not tried yet: each is, once.
    mutating func mayCorrect(_ correction: S3ErrorRule.Correction) -> Bool {
        guard request.body.isReplayable else { return false }
        return corrections.insert(correction).inserted
    }

    /// How long to wait for the next attempt.
    ///
    /// - Throws: `failure` when there is none, knowing of all attempts.
    mutating func delay(after failure: S3Failure) throws(S3Failure) -> Duration {
        isAmbiguous = isAmbiguous || failure.isAmbiguous
        var final = failure
        final.isAmbiguous = isAmbiguous
        guard let reason = failure.retry, request.body.isReplayable,
            request.isRepeatable || !failure.isAmbiguous
        else { throw final }
        let delay = schedule.delay(after: reason, retryAfter: failure.retryAfter, now: .now)
        guard let delay else {
            final.error.message += "; tried \(schedule.attemptCount) times"
            throw final
        }
        return delay
    }
}
