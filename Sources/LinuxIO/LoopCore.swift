internal import CLinuxShims
internal import Glibc

/// The state of an event loop that only its thread touches.
final class LoopCore {
    /// How many queued jobs one turn runs before it looks at the descriptors again. Large enough
    /// to make the extra epoll call cheap, small enough that a socket waits microseconds.
    static let jobsPerTurnMax = 256

    private static let eventsPerTurnMax = 256

    /// The epoll token of the eventfd: a slot that the table never reaches.
    private static let wakeToken = UInt64.max

    let epoll: OwnedDescriptor
    var registrations = RegistrationTable()
    var timers = TimerHeap()
    var ready = RingBuffer<LoopItem>(minimumCapacity: 256)
    var spareItems: [LoopItem] = []
    var isStopping = false
    let jobRunner = JobRunner()
    /// For tests: what runs once must not be queued twice.
    private(set) var jobCount = 0

    private let wakeDescriptor: Int32
    private var endOfTurn: [any EndOfTurnHandler] = []
    private var spareEndOfTurn: [any EndOfTurnHandler] = []
    private var turnTime: Int64
    private var cachedInstant: ContinuousClock.Instant?
    // The kernel writes events here; allocated once, freed in deinit, read up to `eventCount`.
    private let events: UnsafeMutablePointer<epoll_event>
    private var eventCount = 0

    init(wakeDescriptor: Int32) throws(SystemError) {
        self.wakeDescriptor = wakeDescriptor
        epoll = OwnedDescriptor(owning: try checked(clinux_epoll_create(), "epoll_create1"))
        turnTime = clinux_monotonic_nanoseconds()
        let readable = ReadinessSet.readable.rawValue
        let result = clinux_epoll_add(epoll.rawValue, wakeDescriptor, readable, Self.wakeToken)
        try checked(result, "epoll_ctl")
        events = .allocate(capacity: Self.eventsPerTurnMax)
        events.initialize(repeating: epoll_event(), count: Self.eventsPerTurnMax)
    }

    deinit {
        events.deallocate()
    }

    /// Whether there is something to do without any event arriving.
    var hasPendingWork: Bool { !ready.isEmpty || !endOfTurn.isEmpty }

    func now() -> ContinuousClock.Instant {
        if let cachedInstant { return cachedInstant }
        let instant = ContinuousClock.now
        cachedInstant = instant
        return instant
    }

    /// Nanoseconds until a timer is due; nil without timers.
    func untilNextTimer() -> Int64? {
        guard let deadline = timers.nextDeadline else { return nil }
        return max(0, deadline - clinux_monotonic_nanoseconds())
    }

    func wait(timeout: Int64?) {
        let capacity = Int32(Self.eventsPerTurnMax)
        let result = clinux_epoll_wait(epoll.rawValue, events, capacity, timeout ?? -1)
        // EINTR ends the wait like a wake: the turn finds nothing to do and waits again. Anything
        // else means that our own epoll descriptor or buffer is broken.
        precondition(result >= 0 || result == -EINTR, "epoll_wait failed: \(result)")
        eventCount = max(0, Int(result))
        turnTime = clinux_monotonic_nanoseconds()
        cachedInstant = nil
    }

    func dispatchReadiness() {
        for index in 0..<eventCount {
            let event = events[index]
            if event.data.u64 == Self.wakeToken {
                _ = clinux_eventfd_drain(wakeDescriptor)
                continue
            }
            // An earlier callback of this batch may have cancelled the registration, closed its
            // descriptor and registered another one under the same number. The token names the
            // slot and its generation, not the number, so the stale event finds nobody.
            guard let registration = registrations.find(token: event.data.u64) else { continue }
            registration.deliver(ReadinessSet(rawValue: event.events))
        }
        eventCount = 0
    }

    func fireTimers() {
        let boundary = timers.sequenceBoundary
        while let body = timers.popDue(at: turnTime, before: boundary) { body() }
    }

    func runJobs(
        serialExecutor: UnownedSerialExecutor, taskExecutor: UnownedTaskExecutor
    ) {
        var budget = Self.jobsPerTurnMax
        while budget > 0, let item = ready.popFirst() {
            budget -= 1
            jobCount += 1
            switch item {
            case .job(let job, let kind):
                run(job, as: kind, serialExecutor: serialExecutor, taskExecutor: taskExecutor)
            case .closure(let body):
                body()
            }
        }
    }

    func run(
        _ job: UnownedJob, as kind: JobRunner.Kind, serialExecutor: UnownedSerialExecutor,
        taskExecutor: UnownedTaskExecutor
    ) {
        let unsettled = jobRunner.run(
            job, as: kind, serialExecutor: serialExecutor, taskExecutor: taskExecutor)
        if let unsettled { ready.append(.job(job, unsettled)) }
    }

    func addEndOfTurn(_ handler: any EndOfTurnHandler) { endOfTurn.append(handler) }

    func runEndOfTurn() {
        guard !endOfTurn.isEmpty else { return }
        // A handler that asks again is called at the end of the next turn, not in this loop.
        swap(&endOfTurn, &spareEndOfTurn)
        var handlers = spareEndOfTurn
        spareEndOfTurn = []
        for handler in handlers { handler.endOfTurn() }
        handlers.removeAll(keepingCapacity: true)
        spareEndOfTurn = handlers
    }

    /// Lets go of what will never be called, and so of what the closures and handlers hold.
    func dropEverything() {
        for registration in registrations.removeAll() {
            registration.abandon(epoll: epoll.rawValue)
        }
        // Swapped out first: a deinit among the closures may come back to the heap.
        let dropped = timers
        timers = TimerHeap()
        _ = consume dropped
    }
}
