internal import CLinuxShims

/// Starts a detached thread that runs `body` once.
///
/// The thread takes no asynchronous signals: they stay with the threads that expect them. The
/// kernel shows at most 15 bytes of `name`.
func startThread(
    name: String, _ body: @escaping @Sendable () -> Void
) throws(SystemError) {
    // A C function pointer cannot capture, so the closure travels as a retained box that the new
    // thread releases; where no thread came to be, it is released here.
    let box = Unmanaged.passRetained(ThreadBody(body))
    let result = clinux_thread_start(
        name,
        { argument in
            guard let argument else { return }
            Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
        }, box.toOpaque())
    if result < 0 {
        box.release()
        throw SystemError(result: Int(result), operation: "pthread_create")
    }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
