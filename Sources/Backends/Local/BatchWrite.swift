internal import BlobCore
internal import Synchronization

/// One batch on its way to the disk: written by a thread of the pool, awaited by one call.
final class BatchWrite: Sendable {
    typealias Outcome = Result<Void, BlobError>

    private enum State {
        case running
        case awaited(UnsafeContinuation<Outcome, Never>)
        case finished(Outcome)
    }

    private let state = Mutex(State.running)

    /// Whether the thread has nothing left to do.
    var isFinished: Bool {
        state.withLock { state in
            if case .finished = state { true } else { false }
        }
    }

    /// Called once, by the thread.
    func finish(_ outcome: Outcome) {
        let waiter = state.withLock { state -> UnsafeContinuation<Outcome, Never>? in
            defer { state = .finished(outcome) }
            if case .awaited(let waiter) = state { return waiter }
            return nil
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for the thread. Not cut short by cancellation: a file is not removed while somebody
    /// writes to it, and a batch takes a moment only.
    func result() async -> Outcome {
        // The unsafe kind saves an allocation; `finish` runs once and resumes it once.
        await withUnsafeContinuation { waiter in
            let outcome = state.withLock { state -> Outcome? in
                if case .finished(let outcome) = state { return outcome }
                state = .awaited(waiter)
                return nil
            }
            if let outcome { waiter.resume(returning: outcome) }
        }
    }
}
