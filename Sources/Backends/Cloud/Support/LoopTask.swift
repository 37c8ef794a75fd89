internal import LinuxIO

/// Unstructured tasks that stay where they were started.
enum LoopTask {
    /// Starts `work` on the event loop that the caller runs on, if it does on one: the runtime does
    /// not hand the preference down to such a task by itself.
    static func start<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value
    ) -> Task<Value, Never> {
        if let loop = EventLoop.current {
            return Task(executorPreference: loop) { await work() }
        }
        return Task { await work() }
    }
}
