internal import CLinuxShims
internal import Synchronization

extension EventLoop {
    /// Runs `body` on the loop once `delay` has passed: never earlier. Loop thread only.
    ///
    /// Timers use the monotonic clock, which stands still while the machine is suspended. On a
    /// loop that is shutting down, `body` is dropped.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> TimerToken {
        let core = onLoop
        guard !core.isStopping else { return TimerToken(slot: .max, sequence: 0) }
        // Not the time of the turn: after a long callback that would fire early.
        let (deadline, overflow) = clinux_monotonic_nanoseconds()
            .addingReportingOverflow(delay.nanosecondsRoundedUp)
        return core.timers.insert(deadline: overflow ? .max : deadline, body)
    }

    /// Stops a timer and lets go of its closure. Without effect once it has fired. Loop thread
    /// only.
    public func cancel(_ token: TimerToken) {
        _ = onLoop.timers.cancel(token)
    }

    /// Calls the handler once, after everything else in this turn and before the loop waits
    /// again: the place to flush what many callbacks have written. Loop thread only.
    ///
    /// One call per request: a handler that wants one flush a turn remembers that it has asked.
    public func atEndOfTurn(_ handler: any EndOfTurnHandler) {
        onLoop.addEndOfTurn(handler)
    }

    /// Suspends the task for `duration`. Ends early, by throwing, when the task is cancelled or
    /// the loop shuts down.
    public func sleep(for duration: Duration) async throws(CancellationError) {
        let sleeper = Sleeper(loop: self)
        let isElapsed = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let wakeUp = WakeUp(continuation)
                execute { sleeper.start(duration, wakeUp) }
            }
        } onCancel: {
            execute { sleeper.cancel() }
        }
        if !isElapsed { throw CancellationError() }
    }
}

/// One sleeping task; both methods run on the loop, in either order.
private final class Sleeper: Sendable {
    private let loop: EventLoop
    private let state = Mutex<(token: TimerToken?, isCancelled: Bool)>((nil, false))

    init(loop: EventLoop) { self.loop = loop }

    func start(_ duration: Duration, _ wakeUp: WakeUp) {
        state.withLock { state in
            guard !state.isCancelled else { return }
            state.token = loop.schedule(after: duration) { wakeUp.isElapsed = true }
        }
    }

    func cancel() {
        let token = state.withLock { state in
            state.isCancelled = true
            return state.token
        }
        if let token { loop.cancel(token) }
    }
}

/// Resumes the sleeping task when the timer's closure is let go: after firing, by cancellation,
/// or because the loop dropped it. No path can forget the task.
private final class WakeUp: @unchecked Sendable {
    // @unchecked: after it is handed to the loop, only the loop thread touches `isElapsed`.
    var isElapsed = false

    // The unsafe kind, as there is exactly one resume, here in deinit, by construction.
    private let continuation: UnsafeContinuation<Bool, Never>

    init(_ continuation: UnsafeContinuation<Bool, Never>) { self.continuation = continuation }

    deinit { continuation.resume(returning: isElapsed) }
}

extension Duration {
    /// Clamped to what 64 bits hold; negative durations are zero.
    var nanosecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return .max }
        let (sum, sumOverflow) = whole.addingReportingOverflow(
            (attoseconds + 999_999_999) / 1_000_000_000)
        return sumOverflow ? .max : sum
    }
}
