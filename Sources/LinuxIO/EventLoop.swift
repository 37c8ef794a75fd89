internal import CLinuxShims
internal import Synchronization

/// One thread that waits for descriptors, fires timers and runs Swift jobs.
///
/// The loop is a `SerialExecutor`: an actor may name it as its `unownedExecutor`, and then calls
/// between that actor and plain callbacks on the loop need no hop. It is a `TaskExecutor` too:
/// `Task(executorPreference: loop)` keeps plain async code on its thread.
///
/// A turn is: wait, readiness callbacks, due timers, a bounded number of jobs, end-of-turn
/// handlers. The bound makes it fair: work that queues more work cannot keep a socket waiting.
///
/// The thread keeps the loop alive until ``shutdown()``.
public final class EventLoop: SerialExecutor, TaskExecutor, Sendable {
    /// The name of the loop and, shortened to 15 bytes, of its thread.
    public let name: String

    /// Of its thread.
    public let priority: ThreadPriority

    /// The socket calls that everything on this loop uses.
    public let systemCalls: SystemCalls

    /// How often another thread had to write to the eventfd; for tests of wake coalescing.
    package var wakeCount: Int { wakes.load(ordering: .relaxed) }

    // nonisolated(unsafe): only code on the loop thread touches the core; every way to it goes
    // through `onLoop`, which checks that, or starts from the thread's own `run`.
    nonisolated(unsafe) private let core: LoopCore
    private let isolation = LoopIsolation()
    private let inbox = ConditionLock(Inbox())
    private let finished = ConditionLock(false)
    private let wakes = Atomic<Int>(0)
    private let wakeup: OwnedDescriptor

    /// What other threads hand to the loop.
    private struct Inbox {
        var items: [LoopItem] = []
        /// True from just before the thread sleeps until somebody wakes it. Only who turns it to
        /// false writes to the eventfd: one write per sleep, however many jobs arrive.
        var isSleeping = false
        var isStopping = false
        var hasThread = true

        mutating func takeSleeping() -> Bool {
            defer { isSleeping = false }
            return isSleeping
        }
    }

    /// Starts the loop and its thread.
    public init(
        name: String, priority: ThreadPriority = .normal, systemCalls: SystemCalls = .live
    ) throws(SystemError) {
        self.name = name
        self.priority = priority
        self.systemCalls = systemCalls
        wakeup = OwnedDescriptor(owning: try checked(clinux_eventfd_create(), "eventfd"))
        core = try LoopCore(wakeDescriptor: wakeup.rawValue)
        isolation.loop = self
        try startThread(name: name, priority: priority) { self.run() }
    }

    // MARK: From any thread

    /// Whether the caller runs on the loop thread: one thread-local load and a compare.
    public var isCurrent: Bool {
        clinux_current_loop() == UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
    }

    /// The loop on whose thread the caller runs, if it runs on one.
    public static var current: EventLoop? {
        guard let loop = clinux_current_loop() else { return nil }
        // The pointer is set while the thread runs, and the thread retains its loop.
        return Unmanaged<EventLoop>.fromOpaque(loop).takeUnretainedValue()
    }

    /// Traps in debug builds unless called on the loop thread.
    public func preconditionIsCurrent() {
        assert(isCurrent, "must be called on the thread of event loop \(name)")
    }

    /// Queues a Swift job. On the loop thread this takes no lock and makes no system call.
    public func enqueue(_ job: consuming ExecutorJob) {
        enqueue(UnownedJob(job), as: .plain)
    }

    fileprivate func enqueue(_ job: UnownedJob, as kind: JobRunner.Kind) {
        if isCurrent, core.jobRunner.takesBack(job, as: kind) { return }
        enqueue(.job(job, kind))
    }

    /// The executor for an actor's `unownedExecutor`: this loop, under an identity of its own.
    ///
    /// The identity tells the loop which jobs are an actor's. Those run as isolated to the loop,
    /// so that in a task that prefers the loop its actors call each other without a hop. A plain
    /// task's jobs must not: each would be queued a second time, to leave an isolation that it
    /// never asked for.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: isolation)
    }

    /// Queues a closure behind the jobs already queued.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        enqueue(.closure(body))
    }

    /// Stops the loop: queued jobs, and the jobs they queue, still run; then registrations and
    /// timers are dropped uncalled and the thread ends. Idempotent.
    ///
    /// A job that arrives later still runs, on a short-lived thread that takes the loop's place:
    /// a job lost would leave whoever awaits it hanging for ever.
    public func shutdown() {
        let mustWake = inbox.withLock { inbox in
            inbox.isStopping = true
            return inbox.takeSleeping()
        }
        if mustWake { wake() }
    }

    /// ``shutdown()``, then waits until the thread is done. Not for the loop thread.
    public func shutdownAndWait() {
        precondition(!isCurrent, "an event loop cannot wait for its own thread")
        shutdown()
        finished.wait { isFinished in isFinished ? () : nil }
    }

    /// For the runtime: makes `assumeIsolated` work in plain callbacks on the loop.
    public func checkIsolated() {
        precondition(isCurrent, "not on the thread of event loop \(name)")
    }

    /// For the runtime: whether the caller may touch what this executor isolates.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    // MARK: Loop thread only

    /// The state behind the loop, for the loop thread.
    var onLoop: LoopCore {
        preconditionIsCurrent()
        return core
    }

    /// The time at which this turn first asked; the same for the rest of the turn.
    public func now() -> ContinuousClock.Instant { onLoop.now() }

    /// Calls `body`, which starts a task with `Task.immediate(executorPreference: loop)` in an actor
    /// of this loop, and lets the task run until it has to wait. Loop thread only.
    ///
    /// Without this, such a task is queued: the runtime starts it as if it had no preference and then
    /// changes the way it runs. With the preference, its continuations resume on this loop; without
    /// one they take a thread of the global pool on their way back.
    public func startInline(_ body: () -> Void) {
        let core = onLoop
        guard let job = core.jobRunner.capture(body) else { return }
        core.run(
            job, as: .isolated, serialExecutor: asUnownedSerialExecutor(),
            taskExecutor: asUnownedTaskExecutor())
    }

    fileprivate func enqueue(_ item: LoopItem) {
        if isCurrent {
            core.ready.append(item)
            return
        }
        let (mustWake, mustStart) = inbox.withLock { inbox in
            inbox.items.append(item)
            let mustStart = !inbox.hasThread
            inbox.hasThread = true
            return (inbox.takeSleeping(), mustStart)
        }
        if mustWake { wake() }
        if mustStart {
            do {
                try startThread(name: name) { self.run() }
            } catch {
                // Only a job for a loop that was shut down comes here, so nobody on the wire can bring
                // it about. Dropping it would leave a task that waits for ever, holding what it holds.
                fatalError("event loop \(name) is shut down and cannot run a late job: \(error)")
            }
        }
    }

    private func wake() {
        wakes.add(1, ordering: .relaxed)
        // Fails only when the counter is full, and then the loop has its wake already.
        _ = clinux_eventfd_signal(wakeup.rawValue)
    }

    // MARK: The thread

    private func run() {
        clinux_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        let serialExecutor = asUnownedSerialExecutor()
        let taskExecutor = asUnownedTaskExecutor()
        repeat {
            if core.isStopping {
                takeInbox()
            } else {
                core.wait(timeout: maximumWait())
                takeInbox()
                core.dispatchReadiness()
                core.fireTimers()
            }
            core.runJobs(serialExecutor: serialExecutor, taskExecutor: taskExecutor)
            core.runEndOfTurn()
        } while !isDone()
        clinux_set_current_loop(nil)
        finished.withLock { isFinished in isFinished = true }
        finished.signalAll()
    }

    /// How long this turn may wait: nil is for ever. Announces the sleep to other threads.
    private func maximumWait() -> Int64? {
        if core.hasPendingWork { return 0 }
        let timeout = core.untilNextTimer()
        if timeout == 0 { return 0 }
        let maySleep = inbox.withLock { inbox in
            guard inbox.items.isEmpty, !inbox.isStopping else { return false }
            inbox.isSleeping = true
            return true
        }
        return maySleep ? timeout : 0
    }

    private func takeInbox() {
        // The emptied array of the last turn goes back in, so neither side allocates.
        var items = core.spareItems
        core.spareItems = []
        core.isStopping = inbox.withLock { inbox in
            inbox.isSleeping = false
            swap(&inbox.items, &items)
            return inbox.isStopping
        }
        for item in items { core.ready.append(item) }
        items.removeAll(keepingCapacity: true)
        core.spareItems = items
    }

    /// Whether the thread may end. What is dropped on the way may queue jobs: those run first.
    private func isDone() -> Bool {
        guard core.isStopping, !core.hasPendingWork else { return false }
        core.dropEverything()
        guard !core.hasPendingWork else { return false }
        return inbox.withLock { inbox in
            guard inbox.items.isEmpty else { return false }
            inbox.hasThread = false
            return true
        }
    }
}

/// One unit of queued work.
enum LoopItem: Sendable {
    case job(UnownedJob, JobRunner.Kind)
    case closure(@Sendable () -> Void)
}

/// The serial executor that the actors of a loop see.
private final class LoopIsolation: SerialExecutor {
    // nonisolated(unsafe): written once, before the loop is handed out. Unowned: the loop owns
    // this object, and an actor keeps the loop of its executor alive.
    nonisolated(unsafe) unowned var loop: EventLoop?

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Cannot be: an actor retains its loop. There is no thread to run the job on, and running it here
        // would be a data race.
        guard let loop else { fatalError("the event loop of an actor went before the actor") }
        loop.enqueue(job, as: .isolated)
    }

    func checkIsolated() { precondition(loop?.isCurrent == true, "not on the event loop") }

    func isIsolatingCurrentContext() -> Bool? { loop?.isCurrent == true }
}
