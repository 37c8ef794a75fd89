internal import Synchronization

/// Something that happens once. Tests wait for it instead of looking again and again.
public final class Event: Sendable {
    private struct State {
        var hasHappened = false
        var nextIdentifier = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    private let state = Mutex(State())

    /// An event that has not happened yet.
    public init() {}

    /// Says that it happened. Idempotent.
    public func signal() {
        let waiters = state.withLock { state in
            state.hasHappened = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// Waits until it happens.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before: a suite's time limit does that.
    public func wait() async throws(CancellationError) {
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        let hasHappened = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<Bool, Never>) in
                let answer = state.withLock { state -> Bool? in
                    if state.hasHappened { return true }
                    // The handler below may have run before there was anybody to resume.
                    if Task.isCancelled { return false }
                    state.waiters[identifier] = waiter
                    return nil
                }
                if let answer { waiter.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: identifier) }?
                .resume(returning: false)
        }
        guard hasHappened else { throw CancellationError() }
    }
}
