internal import Backends
internal import BlobCore

/// How far the attempts of one request have come: decides whether there is another.
struct CloudProgress {
    private let request: CloudRequest
    private var schedule: RetrySchedule
    private var corrections: Set<CloudCorrection> = []
    /// Whether an attempt may have been acted upon without our knowing.
    private(set) var isAmbiguous = false

    init(
        _ request: CloudRequest, policy: RetryPolicy, budget: RetryBudget, deadline: CallDeadline
    ) {
        self.request = request
        schedule = RetrySchedule(
            policy: policy, budget: budget, deadline: deadline.end, start: .now)
    }

    /// Whether `correction` was not tried yet: each is, once.
    mutating func mayCorrect(_ correction: CloudCorrection) -> Bool {
        guard request.body.isReplayable else { return false }
        return corrections.insert(correction).inserted
    }

    /// How long to wait for the next attempt.
    ///
    /// - Throws: `failure` when there is none, knowing of all attempts.
    mutating func delay(after failure: CloudFailure) throws(CloudFailure) -> Duration {
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
