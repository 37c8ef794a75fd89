internal import CLinuxShims
internal import Glibc

/// How a thread stands against others that want the processor.
public enum ThreadPriority: Sendable {
    case normal
    /// Gets what others leave, and about a tenth where they leave nothing: 10 nicer than the process.
    case background

    /// Whether the calling thread stands no better than this. A filter of system calls may have refused
    /// the change, and then the thread runs on as it was.
    public var isInForce: Bool { niceness(of: 0) >= niceness }

    /// Of the calling thread alone, on Linux. A thread may always become nicer than it is.
    fileprivate func apply() {
        guard self != .normal else { return }
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }

    /// Counted from where the process stands: what runs beside it decides where that is.
    private var niceness: Int32 {
        let process = niceness(of: id_t(getpid()))
        return self == .background ? min(19, process + 10) : process
    }

    private func niceness(of thread: id_t) -> Int32 {
        getpriority(__priority_which_t(PRIO_PROCESS.rawValue), thread)
    }
}

/// Starts a detached thread that runs `body` once.
///
/// The thread takes no asynchronous signals: they stay with the threads that expect them. The
/// kernel shows at most 15 bytes of `name`.
func startThread(
    name: String, priority: ThreadPriority = .normal, _ body: @escaping @Sendable () -> Void
) throws(SystemError) {
    // A C function pointer cannot capture, so the closure travels as a retained box that the new
    // thread releases; where no thread came to be, it is released here.
    let box = Unmanaged.passRetained(ThreadBody(body, priority))
    let result = clinux_thread_start(
        name,
        { argument in
            guard let argument else { return }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        }, box.toOpaque())
    if result < 0 {
        box.release()
        throw SystemError(result: Int(result), operation: "pthread_create")
    }
}

private final class ThreadBody: Sendable {
    private let body: @Sendable () -> Void
    private let priority: ThreadPriority

    init(_ body: @escaping @Sendable () -> Void, _ priority: ThreadPriority) {
        self.body = body
        self.priority = priority
    }

    func run() {
        priority.apply()
        body()
    }
}
