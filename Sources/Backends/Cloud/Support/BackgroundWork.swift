internal import Synchronization

/// Work that outlives the call that caused it, such as giving up an upload of a cancelled put; can be
/// waited for.
final class BackgroundWork: Sendable {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var lastNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Starts `work` in a task of its own, which nobody's cancellation reaches.
    func start(_ work: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.lastNumber &+= 1
            let number = state.lastNumber
            state.tasks[number] = Task {
                await work()
                self.ended(number)
            }
        }
    }

    /// Waits until everything started so far has ended.
    func finish() async {
        for task in state.withLock({ Array($0.tasks.values) }) { await task.value }
    }

    private func ended(_ number: UInt64) {
        state.withLock { state in state.tasks[number] = nil }
    }
}
