import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

@Suite(.timeLimit(.minutes(10)))
struct AdaptiveConcurrencyTests {
    private let start = ContinuousClock.now

    @Test func permitsAreBoundedAndServedInOrder() async throws {
        let concurrency = AdaptiveConcurrency(initialWidth: 1, maximumWidth: 4)
        let first = try await concurrency.acquire()
        let order = Order()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<5 {
                // Immediate: it stands in the queue when this call returns.
                group.addImmediateTask {
                    guard let permit = try? await concurrency.acquire() else { return }
                    order.numbers.withLock { $0.append(index) }
                    permit.release()
                }
            }
            #expect(concurrency.waitingCount == 5)
            #expect(concurrency.usedCount == 1)
            first.release()
        }
        #expect(order.numbers.withLock { $0 } == [0, 1, 2, 3, 4])
        #expect(concurrency.usedCount == 0)
    }

    @Test func aThrottleHalvesOnceInAWhile() {
        let concurrency = AdaptiveConcurrency(initialWidth: 16, maximumWidth: 64)
        concurrency.noteThrottle(now: start)
        #expect(concurrency.width == 8)
        concurrency.noteThrottle(now: start + .milliseconds(999))
        #expect(concurrency.width == 8)
        concurrency.noteThrottle(now: start + .seconds(1))
        #expect(concurrency.width == 4)
        for second in 2..<10 { concurrency.noteThrottle(now: start + .seconds(second)) }
        #expect(concurrency.width == 1)
    }

    @Test func aWidthOfSuccessesAddsOne() {
        let concurrency = AdaptiveConcurrency(initialWidth: 2, maximumWidth: 4)
        concurrency.noteSuccess()
        #expect(concurrency.width == 2)
        concurrency.noteSuccess()
        #expect(concurrency.width == 3)
        for _ in 0..<3 { concurrency.noteSuccess() }
        #expect(concurrency.width == 4)
        for _ in 0..<20 { concurrency.noteSuccess() }
        #expect(concurrency.width == 4)
    }

    @Test func growingServesAWaiter() async throws {
        let concurrency = AdaptiveConcurrency(initialWidth: 1, maximumWidth: 2)
        let first = try await concurrency.acquire()
        let second = Task.immediate { try await concurrency.acquire() }
        #expect(concurrency.waitingCount == 1)
        concurrency.noteSuccess()
        _ = try await second.value
        first.release()
    }

    @Test func afterADecreaseNobodyIsServedUntilThereIsRoom() async throws {
        let concurrency = AdaptiveConcurrency(initialWidth: 2, maximumWidth: 2)
        let first = try await concurrency.acquire()
        let second = try await concurrency.acquire()
        let task = Task.immediate { try await concurrency.acquire() }
        concurrency.noteThrottle(now: start)
        first.release()
        #expect(concurrency.waitingCount == 1)
        second.release()
        try await task.value.release()
        #expect(concurrency.usedCount == 0)
    }

    @Test func aCancelledWaiterLosesNoPermit() async throws {
        let concurrency = AdaptiveConcurrency(initialWidth: 1, maximumWidth: 1)
        let first = try await concurrency.acquire()
        let cancelled = Task.immediate { try await concurrency.acquire() }
        let next = Task.immediate { try await concurrency.acquire() }
        #expect(concurrency.waitingCount == 2)
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        first.release()
        first.release()
        try await next.value.release()
        #expect(concurrency.usedCount == 0)
    }

    @Test func cancellingWhileServingLosesNoPermit() async throws {
        let concurrency = AdaptiveConcurrency(initialWidth: 3, maximumWidth: 3)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<400 {
                group.addTask {
                    let task = Task { try await concurrency.acquire() }
                    if index % 2 == 0 { task.cancel() }
                    await Task.yield()
                    // Dropped without `release`: the last reference gives it back.
                    _ = try? await task.value
                }
            }
        }
        #expect(concurrency.usedCount == 0)
        #expect(concurrency.waitingCount == 0)
    }
}

private final class Order: Sendable {
    let numbers = Mutex<[Int]>([])
}
