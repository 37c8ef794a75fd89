import Glibc
import Synchronization

/// Ends the command on SIGINT, SIGTERM or SIGHUP, and when it outlives its time limit.
///
/// The signal handler only wakes a thread, so the clean-up is ordinary code and works even while
/// another thread sits in a blocking read of standard input. Waiting for blocked signals would be
/// simpler, but the main thread of an async program is parked with all signals open, whatever mask
/// it was given. The server notices the closed connection and drops what was in flight.
enum Interruption {
    private struct Settings {
        var deadline: ContinuousClock.Instant?
        var usesJSON = false
        var wakeUpDescriptor: CInt = -1
    }

    private static let settings = Mutex(Settings())
    /// Where the signal handler writes: a handler may not take a lock.
    private static let signalDescriptor = Atomic<CInt>(-1)

    /// The time after the limit in which the store may report the missed deadline itself, with more
    /// knowledge than this thread has.
    static let grace: Duration = .seconds(1)

    /// Makes a closed pipe an error of `write` instead of the end of the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Takes the signals over and starts the thread, which ends with the process. Before this call
    /// nothing needs a clean-up, and signals do what they always do.
    static func watch(deadline: ContinuousClock.Instant?, usesJSON: Bool) {
        var ends: [CInt] = [-1, -1]
        // Without descriptors the command could do nothing anyway; let it say so itself.
        guard pipe(&ends) == 0 else { return }
        settings.withLock {
            $0 = Settings(deadline: deadline, usesJSON: usesJSON, wakeUpDescriptor: ends[0])
        }
        // Also initialises the global now: the handler must not be the first to touch it.
        signalDescriptor.store(ends[1], ordering: .sequentiallyConsistent)
        for number in [SIGINT, SIGTERM, SIGHUP] { handle(number) }
        var thread = pthread_t()
        if pthread_create(&thread, nil, { _ in Interruption.wait() }, nil) == 0 {
            pthread_detach(thread)
        }
    }

    private static func handle(_ number: CInt) {
        var action = sigaction()
        sigaction(number, nil, &action)
        // What the parent process set to be ignored, as `nohup` does, stays ignored. The bit
        // patterns are compared because Swift cannot compare C function pointers.
        let isIgnored =
            unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
            == unsafeBitCast(SIG_IGN, to: UInt.self)
        guard !isIgnored else { return }
        action = sigaction()
        // One signal cleans up; should even that hang, the same signal again ends the process.
        action.sa_flags = SA_RESTART | CInt(bitPattern: UInt32(SA_RESETHAND))
        action.__sigaction_handler.sa_handler = { _ in
            let number = errno
            var byte: UInt8 = 0
            let descriptor = Interruption.signalDescriptor.load(ordering: .relaxed)
            _ = write(descriptor, &byte, 1)
            errno = number
        }
        sigaction(number, &action, nil)
    }

    private static func wait() -> Never {
        let settings = settings.withLock { $0 }
        while true {
            var request = pollfd(fd: settings.wakeUpDescriptor, events: Int16(POLLIN), revents: 0)
            if poll(&request, 1, milliseconds(until: settings.deadline)) > 0 {
                ExitCleanup.exitNow(.interrupted, saying: nil)
            }
            if let deadline = settings.deadline, ContinuousClock.now >= deadline + grace {
                let report = FailureReport(CallDeadline.exceeded)
                ExitCleanup.exitNow(
                    report.status, saying: settings.usesJSON ? report.json?.text : report.line)
            }
        }
    }

    /// How long to sleep, rounded up; -1 without a limit. A long limit is slept in several turns.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> CInt {
        guard let deadline else { return -1 }
        let remaining = (deadline + grace - ContinuousClock.now) / .milliseconds(1)
        return CInt(min(max(0, remaining.rounded(.up)), 1_000_000))
    }
}
