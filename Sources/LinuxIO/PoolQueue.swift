/// What the threads of a pool run.
protocol PoolJob: AnyObject, Sendable {
    /// Does the work, on a thread of the pool.
    func run()
    /// Called instead of `run` if the job is taken back unstarted.
    func runCancelled()
}

/// The queue of a pool and the threads that serve it. The threads hold this and not the pool, so
/// that a pool nobody holds any more can end them.
final class PoolQueue: Sendable {
    private struct State {
        var jobs: RingBuffer<any PoolJob>
        var threadCount = 0
        var idleThreadCount = 0
        /// Idle threads that a signal is on its way to.
        var wakingThreadCount = 0
        var isShutDown = false
    }

    private let name: String
    private let priority: ThreadPriority
    private let threadCountMax: Int
    private let capacity: Int
    private let state: ConditionLock<State>
    private let endedThreadCount = ConditionLock(0)

    init(name: String, priority: ThreadPriority, threadCountMax: Int, capacity: Int) {
        self.name = name
        self.priority = priority
        self.threadCountMax = threadCountMax
        self.capacity = capacity
        state = ConditionLock(State(jobs: RingBuffer()))
    }

    /// Queues the job, or says why not.
    func submit(_ job: any PoolJob) -> BlockingPoolError<Never>? {
        enum Step { case nothing, wake, start }
        do throws(BlockingPoolError<Never>) {
            let step = try state.withLock { state throws(BlockingPoolError<Never>) -> Step in
                guard !state.isShutDown else { throw .shutDown }
                guard state.jobs.count < capacity else { throw .queueFull }
                state.jobs.append(job)
                if state.wakingThreadCount < state.idleThreadCount {
                    state.wakingThreadCount += 1
                    return .wake
                }
                guard state.threadCount < threadCountMax else { return .nothing }
                state.threadCount += 1
                return .start
            }
            switch step {
            case .nothing: return nil
            // After the lock is released, so that the thread does not wake up just to wait for it.
            case .wake: state.signalOne()
            case .start: return startOne(for: job)
            }
            return nil
        } catch {
            return error
        }
    }

    /// Takes the job back if no thread has it yet.
    func cancel(_ job: any PoolJob) {
        let isTaken = state.withLock { state in
            state.jobs.removeFirst { queued in queued === job }
        }
        if isTaken { job.runCancelled() }
    }

    func shutdown() {
        state.withLock { state in state.isShutDown = true }
        state.signalAll()
    }

    func waitForThreads() {
        endedThreadCount.wait { _ in
            state.withLock { state in state.threadCount == 0 ? () : nil }
        }
    }

    private func startOne(for job: any PoolJob) -> BlockingPoolError<Never>? {
        do {
            try startThread(name: name, priority: priority) { self.serve() }
            return nil
        } catch {
            // The other threads will come to the job. Without any, it must not stay.
            let isTakenBack = state.withLock { state in
                state.threadCount -= 1
                return state.threadCount == 0 && state.jobs.removeFirst { $0 === job }
            }
            return isTakenBack ? .threadUnavailable(error) : nil
        }
    }

    private func serve() {
        while let job = nextJob() { job.run() }
        // Under this lock, or the waiter could look before and sleep after the signal.
        endedThreadCount.withLock { count in
            count += 1
            state.withLock { state in state.threadCount -= 1 }
        }
        endedThreadCount.signalAll()
    }

    private func nextJob() -> (any PoolJob)? {
        var isIdle = false
        return state.wait { state -> (any PoolJob)?? in
            if isIdle, state.wakingThreadCount > 0 { state.wakingThreadCount -= 1 }
            if let job = state.jobs.popFirst() {
                if isIdle { state.idleThreadCount -= 1 }
                return .some(job)
            }
            if state.isShutDown {
                if isIdle { state.idleThreadCount -= 1 }
                return .some(nil)
            }
            if !isIdle { state.idleThreadCount += 1 }
            isIdle = true
            return nil
        }
    }
}
