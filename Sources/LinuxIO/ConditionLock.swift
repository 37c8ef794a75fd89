internal import Glibc

/// A mutex with a condition variable: how a thread waits for another one.
///
/// `Synchronization.Mutex` has no way to wait, so this wraps the pthread pair. The event loop's
/// inbox uses it for its mutex alone: the thread sanitizer knows pthread mutexes but, as of Swift
/// 6.3, not `Mutex`, and would report every job that changes threads as a race.
final class ConditionLock<State>: @unchecked Sendable {
    // @unchecked: `state` is only reachable inside `withLock`, under the mutex. The pthread
    // objects must not move once used, so they live on the heap behind unsafe pointers.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    init(_ state: sending State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Runs `body` under the lock, again after each signal, until it gives a value.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition, mutex)
        }
    }

    func signalOne() { pthread_cond_signal(condition) }

    func signalAll() { pthread_cond_broadcast(condition) }
}
