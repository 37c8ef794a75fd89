import CLinuxShims
import Glibc
import Synchronization

/// Signals of the process as values to wait for. Each signal belongs to one of these at most.
final class ProcessSignals: Sendable {
    private struct State {
        var receivedCount: Int64 = 0
        var nextIdentifier = 0
        var waiters: [Int: (count: Int64, continuation: CheckedContinuation<Void, Never>)] = [:]
    }

    private let state = Mutex(State())
    private let descriptor: Int32

    init(_ signals: Int32...) {
        descriptor = clinux_signal_eventfd(signals, Int32(signals.count))
        guard descriptor >= 0 else { return }
        // One thread of its own, for the life of the process: it only waits.
        _ = clinux_thread_start(
            "signals",
            { context in
                guard let context else { return }
                Unmanaged<ProcessSignals>.fromOpaque(context).takeRetainedValue().takeSignals()
            }, Unmanaged.passRetained(self).toOpaque())
    }

    /// Returns once `count` signals have come in all, or at once when the task is cancelled.
    ///
    /// - Returns: How many have come.
    @discardableResult
    func wait(count: Int64) async -> Int64 {
        let identifier = state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.receivedCount >= count || Task.isCancelled { return true }
                    state.waiters[identifier] = (count, continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: identifier) }?.continuation.resume()
        }
        return state.withLock { $0.receivedCount }
    }

    private func takeSignals() {
        while true {
            let count = clinux_eventfd_wait(descriptor)
            guard count > 0 else { return }
            let due = state.withLock { state in
                state.receivedCount += count
                let due = state.waiters.filter { $0.value.count <= state.receivedCount }
                for identifier in due.keys { state.waiters[identifier] = nil }
                return due.values.map(\.continuation)
            }
            for waiter in due { waiter.resume() }
        }
    }
}
