internal import LinuxIO

extension HTTPEnginePool {
    /// Waits `duration` without holding a thread.
    func sleep(for duration: Duration) async throws {
        guard duration > .zero else { return }
        if let loop = EventLoop.current {
            try await loop.sleep(for: duration)
        } else {
            try await Task.sleep(for: duration)
        }
    }
}
