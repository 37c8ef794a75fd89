internal import Synchronization

/// Permits for requests to one endpoint, fewer when it asks to slow down: the width halves on a
/// throttle, and grows by one after a width's worth of successes. First come, first served.
///
/// No clock inside: times are passed in.
final class AdaptiveConcurrency: Sendable {
    /// The right to have one request under way. Ends with ``release()`` or its last reference.
    final class Permit: Sendable {
        private let owner: AdaptiveConcurrency
        private let isReleased = Mutex(false)

        fileprivate init(_ owner: AdaptiveConcurrency) { self.owner = owner }

        deinit { release() }

        /// Gives the permit back. Idempotent.
        func release() {
            let wasReleased = isReleased.withLock { isReleased in
                defer { isReleased = true }
                return isReleased
            }
            if !wasReleased { owner.giveBack() }
        }
    }

    private typealias Waiter = UnsafeContinuation<Bool, Never>

    private struct State {
        var width: Int
        var usedCount = 0
        var successCount = 0
        var lastDecrease: ContinuousClock.Instant?
        /// By number; a number that is missing was cancelled or never waited.
        var waiters: [UInt64: Waiter] = [:]
        var nextNumber: UInt64 = 0
        var nextServed: UInt64 = 0

        /// Takes the waiters for whom there is room now, and counts their permits.
        mutating func takeServed() -> [Waiter] {
            var served: [Waiter] = []
            while usedCount < width, !waiters.isEmpty {
                defer { nextServed += 1 }
                guard let waiter = waiters.removeValue(forKey: nextServed) else { continue }
                usedCount += 1
                served.append(waiter)
            }
            return served
        }
    }

    private let state: Mutex<State>
    private let widths: ClosedRange<Int>
    private let decreaseInterval: Duration

    /// - Parameters:
    ///   - initialWidth: How many permits there are at first.
    ///   - decreaseInterval: Throttles that come sooner after a decrease are taken for answers to
    ///     requests sent before it.
    init(
        initialWidth: Int, maximumWidth: Int, minimumWidth: Int = 1,
        decreaseInterval: Duration = .seconds(1)
    ) {
        let minimum = max(1, minimumWidth)
        widths = minimum...max(minimum, maximumWidth)
        state = Mutex(State(width: min(max(initialWidth, minimum), widths.upperBound)))
        self.decreaseInterval = decreaseInterval
    }

    /// How many permits there are, used or not.
    var width: Int { state.withLock { $0.width } }

    /// How many permits are in use; for a moment after a decrease more than the width.
    var usedCount: Int { state.withLock { $0.usedCount } }

    /// How many tasks wait for one.
    var waitingCount: Int { state.withLock { $0.waiters.count } }

    /// Waits for a permit.
    func acquire() async throws(CancellationError) -> Permit {
        let number = state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
        let isGranted = await withTaskCancellationHandler {
            await withUnsafeContinuation { (waiter: Waiter) in
                // The unsafe kind: whoever takes it out of the state resumes it, once.
                var served: [Waiter] = []
                let isRefused = state.withLock { state in
                    // The handler below may have run before there was anybody to resume.
                    guard !Task.isCancelled else { return true }
                    state.waiters[number] = waiter
                    // A number that was passed over while this task took its time is next.
                    state.nextServed = min(state.nextServed, number)
                    served = state.takeServed()
                    return false
                }
                if isRefused { waiter.resume(returning: false) }
                for waiter in served { waiter.resume(returning: true) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: false)
        }
        guard isGranted else { throw CancellationError() }
        return Permit(self)
    }

    /// A request has succeeded.
    func noteSuccess() {
        let served = state.withLock { state -> [Waiter] in
            state.successCount += 1
            guard state.successCount >= state.width else { return [] }
            state.successCount = 0
            state.width = min(state.width + 1, widths.upperBound)
            return state.takeServed()
        }
        for waiter in served { waiter.resume(returning: true) }
    }

    /// The endpoint has asked to slow down.
    func noteThrottle(now: ContinuousClock.Instant) {
        state.withLock { state in
            state.successCount = 0
            if let last = state.lastDecrease, now < last.advanced(by: decreaseInterval) { return }
            state.lastDecrease = now
            state.width = max(state.width / 2, widths.lowerBound)
        }
    }

    private func giveBack() {
        let served = state.withLock { state -> [Waiter] in
            state.usedCount -= 1
            return state.takeServed()
        }
        for waiter in served { waiter.resume(returning: true) }
    }
}
