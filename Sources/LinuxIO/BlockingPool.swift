/// Why the pool did not run a job, or how the job itself failed.
public enum BlockingPoolError<Failure: Error>: Error {
    /// The queue is full: the caller should shed load.
    case queueFull
    /// The task was cancelled before a thread took the job; the job did not run.
    case cancelled
    /// The pool is shut down.
    case shutDown
    /// Not even one thread could be started.
    case threadUnavailable(SystemError)
    /// The job ran and threw.
    case failed(Failure)
}

extension BlockingPoolError: Sendable where Failure: Sendable {}
extension BlockingPoolError: Equatable where Failure: Equatable {}

/// Threads for calls that may block: opening, reading and syncing files.
///
/// The queue is bounded and says so when it is full. Threads start when the first jobs need them,
/// so a process that never blocks never pays for them. Jobs start in the order of submission.
///
/// What comes from an event loop of ``ThreadPriority/background`` has a queue and threads of that
/// priority of its own, half as many: it never stands before other jobs, nor takes their room.
public final class BlockingPool: Sendable {
    /// The name of the pool and of its threads.
    public let name: String

    private let normal: PoolQueue
    private let background: PoolQueue

    /// The queue for jobs of the caller.
    private var queue: PoolQueue {
        EventLoop.current?.priority == .background ? background : normal
    }

    /// Makes a pool of at most `threadCount` threads and `queueCapacity` waiting jobs.
    public init(name: String, threadCount: Int = 4, queueCapacity: Int = 1024) {
        precondition(threadCount > 0 && queueCapacity > 0)
        self.name = name
        normal = PoolQueue(
            name: name, priority: .normal, threadCountMax: threadCount, capacity: queueCapacity)
        background = PoolQueue(
            name: name, priority: .background, threadCountMax: max(1, threadCount / 2),
            capacity: queueCapacity)
    }

    deinit { shutdown() }

    /// Runs `body` on a thread of the pool; the caller continues on its own executor.
    ///
    /// If the task is cancelled while the job waits, the job is dropped and this throws
    /// `cancelled` at once. A job that has started runs to its end and its result is delivered:
    /// what it opened is never lost.
    public func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(BlockingPoolError<Failure>) -> Value {
        let job = AwaitedJob(body)
        let queue = queue
        let result = await withTaskCancellationHandler {
            // The unsafe kind, to save an allocation a call: AwaitedJob resumes exactly once, for
            // it does so only in a thread's `run`, or when the queue hands it back unstarted.
            await withUnsafeContinuation { continuation in
                job.continuation = continuation
                if let refusal = queue.submit(job) {
                    job.finish(.failure(refusal.typed()))
                } else if Task.isCancelled {
                    // The cancellation may have looked for the job before it was in the queue.
                    queue.cancel(job)
                }
            }
        } onCancel: {
            queue.cancel(job)
        }
        return try result.get()
    }

    /// Runs `body` on a thread of the pool and forgets about it. Throws if it cannot be queued.
    public func submit(_ body: @escaping @Sendable () -> Void) throws(BlockingPoolError<Never>) {
        if let refusal = queue.submit(PlainJob(body)) { throw refusal }
    }

    /// Takes no more jobs. Those queued still run; then the threads end. Idempotent.
    public func shutdown() {
        normal.shutdown()
        background.shutdown()
    }

    /// ``shutdown()``, then waits for the last job. Not from a job, and not on an event loop that
    /// jobs wait for.
    public func shutdownAndWait() {
        shutdown()
        normal.waitForThreads()
        background.waitForThreads()
    }
}

extension BlockingPoolError where Failure == Never {
    /// The same refusal, in the error type of a job that may throw.
    fileprivate func typed<Other: Error>() -> BlockingPoolError<Other> {
        switch self {
        case .queueFull: .queueFull
        case .cancelled: .cancelled
        case .shutDown: .shutDown
        case .threadUnavailable(let error): .threadUnavailable(error)
        }
    }
}

/// A job without anybody waiting for it.
private final class PlainJob: PoolJob {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func run() { body() }
    func runCancelled() {}
}

/// A job whose result a task awaits.
private final class AwaitedJob<Value: Sendable, Failure: Error>: PoolJob, @unchecked Sendable {
    typealias Outcome = Result<Value, BlockingPoolError<Failure>>

    // @unchecked: set once, before the job is submitted, and read by the one who took the job out
    // of the queue; the lock of the queue orders the two.
    var continuation: UnsafeContinuation<Outcome, Never>?

    private let body: @Sendable () throws(Failure) -> Value

    init(_ body: @escaping @Sendable () throws(Failure) -> Value) { self.body = body }

    func run() {
        do throws(Failure) {
            finish(.success(try body()))
        } catch {
            finish(.failure(.failed(error)))
        }
    }

    func runCancelled() { finish(.failure(.cancelled)) }

    func finish(_ outcome: Outcome) { continuation?.resume(returning: outcome) }
}
