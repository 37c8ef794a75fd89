import CLinuxShims
import Glibc
import Synchronization

/// SIGTERM and SIGINT as values to wait for. One at most in a process.
final class TerminationSignals: Sendable {
    private struct State {
        var receivedCount: Int64 = 0
        var waiters: [(count: Int64, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let descriptor: Int32

    init() {
        descriptor = clinux_termination_eventfd()
        guard descriptor >= 0 else { return }
        // One thread of its own, for the life of the process: it only waits.
        _ = clinux_thread_start(
            "signals",
            { context in
                guard let context else { return }
                Unmanaged<TerminationSignals>.fromOpaque(context).takeRetainedValue().takeSignals()
            }, Unmanaged.passRetained(self).toOpaque())
    }

    /// Returns once a signal has come.
    func first() async { await wait(count: 1) }

    /// Returns once a second signal has come, or at once when the task is cancelled.
    func next() async { await wait(count: 2) }

    private func wait(count: Int64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.receivedCount >= count || Task.isCancelled { return true }
                    state.waiters.append((count, continuation))
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            resume { $0 >= 2 }
        }
    }

    private func takeSignals() {
        while true {
            let count = clinux_eventfd_wait(descriptor)
            guard count > 0 else { return }
            let receivedCount = state.withLock { state in
                state.receivedCount += count
                return state.receivedCount
            }
            resume { $0 <= receivedCount }
        }
    }

    private func resume(where isDue: (Int64) -> Bool) {
        let due = state.withLock { state in
            let due = state.waiters.filter { isDue($0.count) }.map(\.continuation)
            state.waiters.removeAll { isDue($0.count) }
            return due
        }
        for waiter in due { waiter.resume() }
    }
}
