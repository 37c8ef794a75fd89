/// Runs the Swift jobs of a loop without sending any of them through the queue more often than they
/// wait.
///
/// A job runs in one of three ways: as plain code of a task that prefers the loop, or as code of an
/// actor of the loop, in a task that prefers the loop or in one that does not. The runtime compares,
/// and at the next step of a job that runs in another way than it should, it hands the job back to an
/// executor. Nothing public tells the right way before the job runs. Also, a continuation always
/// resumes its task as plain code, even when the next step is back in the actor. So a job that is
/// handed back while it runs goes on at once, the other way.
///
/// A class: a job that runs calls back, and a struct would be accessed twice at once.
final class JobRunner {
    /// What a job is code of.
    enum Kind {
        /// Of a task that prefers the loop.
        case plain
        /// Of an actor of the loop.
        case isolated
    }

    /// Whether the last isolated job belonged to a task that prefers the loop.
    private var prefersLoop = true
    private var running: (identity: UInt, kind: Kind)?
    private var handedBack: Kind?
    private var isStarting = false
    private var started: UnownedJob?

    /// How often one job may change before it goes through the queue: a task that changes its mind
    /// over and over must not keep the loop from its sockets.
    private static let maximumChangeCount = 8

    /// Runs `job` until it has to wait or is done.
    ///
    /// - Returns: How the job has to be queued again, or nil when it has not.
    func run(
        _ job: UnownedJob, as kind: Kind, serialExecutor: UnownedSerialExecutor,
        taskExecutor: UnownedTaskExecutor
    ) -> Kind? {
        var kind = kind
        // A started task may run inside another job: that one's state is as it was afterwards.
        let outer = (running, handedBack)
        defer { (running, handedBack) = outer }
        for _ in 0..<Self.maximumChangeCount {
            running = (Self.identity(of: job), kind)
            handedBack = nil
            switch kind {
            case .plain: job.runSynchronously(on: taskExecutor)
            case .isolated where prefersLoop:
                job.runSynchronously(isolatedTo: serialExecutor, taskExecutor: taskExecutor)
            case .isolated: job.runSynchronously(on: serialExecutor)
            }
            guard let next = handedBack else { return nil }
            // Only a task that prefers the loop runs as plain code here.
            prefersLoop = kind == .isolated && next == .isolated ? !prefersLoop : true
            kind = next
        }
        return kind
    }

    /// Whether `job` need not be queued: it is the one that runs now and goes on at once, or one that
    /// is being started.
    func takesBack(_ job: UnownedJob, as kind: Kind) -> Bool {
        if isStarting, kind == .isolated, started == nil {
            started = job
            return true
        }
        guard let running, Self.identity(of: job) == running.identity else { return false }
        // A plain job that queues itself as it was has yielded: others come first.
        guard kind == .isolated || running.kind == .isolated else { return false }
        handedBack = kind
        return true
    }

    /// Calls `body`, which starts a task, and gives the job that this queued for an actor.
    func capture(_ body: () -> Void) -> UnownedJob? {
        guard !isStarting else {
            body()
            return nil
        }
        isStarting = true
        body()
        isStarting = false
        return started.take()
    }

    /// `UnownedJob` is frozen as one pointer and has no `==`. The number is only compared, never
    /// used as an address. Another job at the address of one that has ended would merely run early.
    private static func identity(of job: UnownedJob) -> UInt {
        unsafeBitCast(job, to: UInt.self)
    }
}
