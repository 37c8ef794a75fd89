import Synchronization
import TestKit

/// A value that a script needs and that there is only later.
final class Deferred<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func set(_ value: Value?) { state.withLock { $0 = value } }
}

extension Event {
    /// An event that happens by itself: for a server that lets its client wait.
    static func happening(after delay: Duration) -> Event {
        let event = Event()
        Task {
            try? await Task.sleep(for: delay)
            event.signal()
        }
        return event
    }
}
