internal import Synchronization

/// Work that outlives the call that caused it, such as giving up an upload of a cancelled put; can be
/// waited for.
final class BackgroundWork: Sendable {
    private struct State {
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var lastNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Starts `work` in a task of its own, which nobody's cancellation reaches, and which no event loop
    /// of the caller has to run: that may be stopped before the work is waited for.
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

    /// Waits until everything has ended, also what is started by work that is waited for.
    func finish() async {
        while true {
            let tasks = state.withLock { Array($0.tasks.values) }
            if tasks.isEmpty { return }
            for task in tasks { await task.value }
        }
    }

    private func ended(_ number: UInt64) {
        state.withLock { state in state.tasks[number] = nil }
    }
}
