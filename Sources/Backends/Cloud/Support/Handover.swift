internal import Synchronization

/// The outcome of work that goes on when nobody waits for it any more.
final class Handover<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Value?, Never>)
        case given(Value)
        case abandoned
    }

    private let state = Mutex(State.pending)

    /// False when whoever waited is gone: then the value is the giver's to clear away.
    func give(_ value: Value) -> Bool {
        let (waiter, isWanted) = state.withLock {
            state -> (CheckedContinuation<Value?, Never>?, Bool) in
            switch state {
            case .awaited(let waiter):
                state = .given(value)
                return (waiter, true)
            case .abandoned: return (nil, false)
            case .pending, .given:
                state = .given(value)
                return (nil, true)
            }
        }
        waiter?.resume(returning: value)
        return isWanted
    }

    /// Waits for the value; nil as soon as the task is cancelled. Once.
    func take() async -> Value? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let known: Value?? = state.withLock { state in
                    switch state {
                    case .given(let value): return .some(value)
                    case .abandoned: return .some(nil)
                    case .pending, .awaited:
                        state = .awaited(waiter)
                        return .none
                    }
                }
                if let known { waiter.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
                switch state {
                case .given: return nil
                case .awaited(let waiter):
                    state = .abandoned
                    return waiter
                case .pending, .abandoned:
                    state = .abandoned
                    return nil
                }
            }
            waiter?.resume(returning: nil)
        }
    }
}
