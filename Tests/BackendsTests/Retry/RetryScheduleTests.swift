import Testing

@testable import Backends
@testable import CloudBackends

@Suite struct RetryScheduleTests {
    private let start = ContinuousClock.now

    private func schedule(
        _ policy: RetryPolicy = RetryPolicy(), budget: RetryBudget = RetryBudget(),
        deadline: Duration? = nil, share: Double = 1
    ) -> RetrySchedule {
        RetrySchedule(
            policy: policy, budget: budget, deadline: deadline.map { start + $0 }, start: start,
            random: { $0 * share })
    }

    @Test(arguments: [
        (RetryReason.transient, [50, 100, 200, 400, 800, 1600, 3200]),
        (.timeout, [50, 100, 200, 400, 800, 1600, 3200]),
        (.throttled, [500, 1000, 2000, 4000, 8000, 16_000, 20_000]),
    ])
    func theCeilingDoublesUpToItsLimit(_ reason: RetryReason, _ milliseconds: [Int]) {
        var schedule = schedule()
        for expected in milliseconds {
            let delay = schedule.delay(after: reason, retryAfter: nil, now: start)
            #expect(delay == .milliseconds(expected))
        }
        #expect(schedule.attemptCount == 8)
        #expect(schedule.delay(after: reason, retryAfter: nil, now: start) == nil)
        #expect(schedule.attemptCount == 8)
    }

    @Test func theJitterIsFull() {
        var none = schedule(share: 0)
        #expect(none.delay(after: .transient, retryAfter: nil, now: start) == .zero)
        var half = schedule(share: 0.5)
        #expect(half.delay(after: .throttled, retryAfter: nil, now: start) == .milliseconds(250))
        for _ in 0..<200 {
            let delay = RetrySchedule.uniform(.seconds(1))
            #expect(delay >= .zero && delay <= .seconds(1))
        }
    }

    @Test(arguments: [(3, 3), (60, 60), (3600, 60)])
    func retryAfterIsHonouredUpToItsCap(_ asked: Int, _ expected: Int) {
        var schedule = schedule()
        let delay = schedule.delay(after: .throttled, retryAfter: .seconds(asked), now: start)
        #expect(delay == .seconds(expected))
    }

    @Test func aShorterRetryAfterDoesNotShortenThePause() {
        var schedule = schedule()
        let delay = schedule.delay(after: .throttled, retryAfter: .zero, now: start)
        #expect(delay == .milliseconds(500))
    }

    @Test func theTotalTimeEndsTheAttempts() {
        let budget = RetryBudget()
        var schedule = schedule(budget: budget)
        let late = start + .seconds(180) - .milliseconds(50)
        #expect(schedule.delay(after: .transient, retryAfter: nil, now: late) == nil)
        // What is not tried is not paid for.
        #expect(budget.tokenCount == 500)
        let early = late - .milliseconds(1)
        #expect(schedule.delay(after: .transient, retryAfter: nil, now: early) != nil)
    }

    @Test func theCallersDeadlineEndsThemEarlier() {
        var schedule = schedule(deadline: .seconds(2))
        let now = start + .seconds(1)
        #expect(schedule.delay(after: .throttled, retryAfter: .seconds(1), now: now) == nil)
        #expect(schedule.delay(after: .throttled, retryAfter: nil, now: now) != nil)
    }

    @Test func aDeadlineBeyondTheTotalTimeDoesNotExtendIt() {
        var schedule = schedule(deadline: .seconds(1000))
        let now = start + .seconds(180)
        #expect(schedule.delay(after: .transient, retryAfter: nil, now: now) == nil)
    }

    @Test func anEmptyBudgetEndsThem() {
        let budget = RetryBudget(capacity: 14)
        var schedule = schedule(budget: budget)
        #expect(schedule.delay(after: .timeout, retryAfter: nil, now: start) != nil)
        #expect(schedule.delay(after: .transient, retryAfter: nil, now: start) == nil)
        budget.noteSuccess()
        #expect(schedule.delay(after: .transient, retryAfter: nil, now: start) != nil)
        #expect(budget.tokenCount == 0)
    }

    @Test func theBudgetHasAnUpperEnd() {
        let budget = RetryBudget()
        budget.noteSuccess()
        #expect(budget.tokenCount == 500)
        var count = 0
        while budget.withdraw(.transient) { count += 1 }
        #expect(count == 100)
    }
}
