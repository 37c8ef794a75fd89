internal import CLinuxShims
internal import Glibc

/// Connects to a Unix socket, waiting up to `timeout` while the listener's backlog is full.
///
/// Blocks its thread: for command-line programs and tests. On a loop use
/// ``EventLoop/connectUnix(path:timeout:)``. The result is non-blocking. A path too long for a
/// socket address works all the same.
public func connectUnix(
    path: String, timeout: Duration = .seconds(5), systemCalls: SystemCalls = .live
) throws(SystemError) -> OwnedDescriptor {
    let address = try ConnectAddress(path: path)
    let socket = OwnedDescriptor(owning: try checked(clinux_unix_socket(0), "socket"))
    // A blocking connect queues in the kernel behind a full backlog: no polling.
    try checked(
        clinux_set_send_timeout(socket.rawValue, max(1, timeout.nanosecondsRoundedUp)),
        "setsockopt(SO_SNDTIMEO)")
    let result = retryingInterrupts { systemCalls.connect(socket.rawValue, address.path) }
    if result == -Int(EAGAIN) {
        throw SystemError(errorNumber: ETIMEDOUT, operation: "connect")
    }
    if result < 0 { throw SystemError(result: result, operation: "connect") }
    try checked(clinux_set_send_timeout(socket.rawValue, 0), "setsockopt(SO_SNDTIMEO)")
    try checked(clinux_set_nonblocking(socket.rawValue), "fcntl(O_NONBLOCK)")
    return socket
}

extension EventLoop {
    /// Connects to a Unix socket without blocking the loop.
    ///
    /// A Unix connect completes at once or says EAGAIN while the listener's backlog is full. No
    /// readiness event tells when there is room, so it is tried again after 1, 2, 4 to 50 ms,
    /// until `timeout` has passed. A cancelled task gets ECANCELED.
    public func connectUnix(
        path: String, timeout: Duration = .seconds(5)
    ) async throws(SystemError) -> OwnedDescriptor {
        let address = try ConnectAddress(path: path)
        let deadline = ContinuousClock.now + timeout
        var pause = Duration.milliseconds(1)
        while true {
            if let socket = try address.attempt(systemCalls) { return socket }
            let remaining = deadline - ContinuousClock.now
            guard remaining > .zero else {
                throw SystemError(errorNumber: ETIMEDOUT, operation: "connect")
            }
            do {
                // Cut to what remains, so that there is a last try when the time is up.
                try await sleep(for: min(pause, remaining))
            } catch {
                throw SystemError(errorNumber: ECANCELED, operation: "connect")
            }
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}

/// A path in a form that fits into a socket address.
private struct ConnectAddress: ~Copyable {
    let path: String
    // Keeps the socket file of a long path open, so that it has a short name under /proc.
    private let file: OwnedDescriptor?

    init(path: String) throws(SystemError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw SystemError(errorNumber: EINVAL, operation: "connect")
        }
        if path.utf8.count <= socketPathByteCountMax {
            self.path = path
            file = nil
        } else {
            let opened = OwnedDescriptor(owning: try checked(clinux_open_path(path), "open"))
            self.path = "/proc/self/fd/\(opened.rawValue)"
            file = consume opened
        }
    }

    /// One try; nil while the backlog is full.
    func attempt(_ systemCalls: SystemCalls) throws(SystemError) -> OwnedDescriptor? {
        // A fresh socket for each try keeps this free of half-connected states.
        let socket = OwnedDescriptor(owning: try checked(clinux_unix_socket(1), "socket"))
        let result = retryingInterrupts { systemCalls.connect(socket.rawValue, path) }
        if result == -Int(EAGAIN) { return nil }
        if result < 0 { throw SystemError(result: result, operation: "connect") }
        return socket
    }
}

/// The bytes of a path that fit into `sun_path` with its terminating zero.
let socketPathByteCountMax = 107
