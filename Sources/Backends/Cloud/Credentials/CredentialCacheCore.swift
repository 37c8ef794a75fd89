internal import BlobCore
internal import Synchronization

/// The state behind ``CredentialCache``, which its fetches share.
final class CredentialCacheCore<Value: ExpiringCredentials>: Sendable {
    typealias Answer = Result<Value, BlobError>
    typealias Waiter = CheckedContinuation<Answer, Never>

    private let state = Mutex(CredentialCacheState<Value>())
    private let clock: WallClock
    private let random: @Sendable () -> Double
    private let fetch: CredentialCache<Value>.Fetch

    init(
        clock: WallClock, random: @escaping @Sendable () -> Double,
        fetch: @escaping CredentialCache<Value>.Fetch
    ) {
        self.clock = clock
        self.random = random
        self.fetch = fetch
    }

    /// What is at hand; nil when the caller has to wait. Starts a fetch when it is time for one.
    func answer() -> Answer? {
        let now = clock.now()
        return state.withLock { state in
            let step = state.step(at: now)
            if step.mustFetch { start(&state) }
            return step.answer
        }
    }

    func makeIdentifier() -> Int {
        state.withLock { state in
            state.lastIdentifier += 1
            return state.lastIdentifier
        }
    }

    /// Resumes `waiter` at once if things changed since ``answer()``, else when the fetch is done.
    func wait(_ waiter: Waiter, _ identifier: Int) {
        let now = clock.now()
        let answer = state.withLock { state -> Answer? in
            let step = state.step(at: now)
            if step.mustFetch { start(&state) }
            if step.answer == nil {
                // The caller may have been cancelled after it looked and before the lock.
                if Task.isCancelled { return .failure(.cancelled) }
                state.waiters[identifier] = waiter
            }
            return step.answer
        }
        if let answer { waiter.resume(returning: answer) }
    }

    /// The caller was cancelled. The fetch goes on for the others.
    func giveUp(_ identifier: Int) {
        state.withLock { $0.waiters.removeValue(forKey: identifier) }?
            .resume(returning: .failure(.cancelled))
    }

    func invalidate(_ refused: Value) {
        let now = clock.now()
        state.withLock { $0.invalidate(refused, at: now) }
    }

    func close() {
        let (task, waiters) = state.withLock { state in
            state.isClosed = true
            defer { state.task = nil }
            return (state.task, state.takeWaiters())
        }
        task?.cancel()
        for waiter in waiters {
            waiter.resume(returning: .failure(CredentialCacheState<Value>.closedError))
        }
    }

    private func start(_ state: inout CredentialCacheState<Value>) {
        // Detached: it serves all callers, not only the one who happens to be first.
        state.task = Task.detached { [self] in
            let outcome: Result<Value, CredentialFetchFailure>
            do throws(CredentialFetchFailure) {
                outcome = .success(try await fetch())
            } catch {
                outcome = .failure(error)
            }
            finish(outcome)
        }
    }

    private func finish(_ outcome: Result<Value, CredentialFetchFailure>) {
        let now = clock.now()
        let random = random()
        let (answer, waiters) = state.withLock { state in
            (state.finish(outcome, at: now, random: random), state.takeWaiters())
        }
        for waiter in waiters { waiter.resume(returning: answer) }
    }
}
