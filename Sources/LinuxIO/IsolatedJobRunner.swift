/// Runs the jobs of a loop's actors without sending any of them through the queue twice.
///
/// A job of a task that prefers the loop has to run with the loop as its task executor, and a job of
/// any other task without: the runtime compares, and at the next step of a job that runs the wrong
/// way it hands the job back to the actor's executor. Nothing public tells which way is right before
/// the job runs. So this guesses what was right the last time, and a job that is handed back while
/// it runs goes on at once, the other way.
///
/// A class: a job that runs calls back, and a struct would be accessed twice at once.
final class IsolatedJobRunner {
    private var prefersLoop = true
    private var running: UInt = 0
    private var isHandedBack = false

    /// How often one job may change before it goes through the queue: a task that changes its
    /// preference over and over must not keep the loop from its sockets.
    private static let maximumChangeCount = 8

    /// Runs `job` until it has to wait or is done.
    ///
    /// - Returns: False when the job has to be queued again.
    func run(
        _ job: UnownedJob, serialExecutor: UnownedSerialExecutor,
        taskExecutor: UnownedTaskExecutor
    ) -> Bool {
        defer { running = 0 }
        for _ in 0..<Self.maximumChangeCount {
            running = Self.identity(of: job)
            isHandedBack = false
            if prefersLoop {
                job.runSynchronously(isolatedTo: serialExecutor, taskExecutor: taskExecutor)
            } else {
                job.runSynchronously(on: serialExecutor)
            }
            guard isHandedBack else { return true }
            prefersLoop.toggle()
        }
        return false
    }

    /// Whether `job` is the one that runs now: then `run` goes on with it.
    func takesBack(_ job: UnownedJob) -> Bool {
        guard running != 0, Self.identity(of: job) == running else { return false }
        isHandedBack = true
        return true
    }

    /// `UnownedJob` is frozen as one pointer and has no `==`. The number is only compared, never
    /// used as an address. Another job at the address of one that has ended would merely run early.
    private static func identity(of job: UnownedJob) -> UInt {
        unsafeBitCast(job, to: UInt.self)
    }
}
