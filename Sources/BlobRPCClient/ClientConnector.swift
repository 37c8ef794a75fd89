internal import BlobCore
internal import Glibc
internal import LinuxIO
internal import Synchronization

/// Keeps one usable connection: connects when there is none, once for all who wait.
actor ClientConnector {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let path: String
    nonisolated let configuration: ClientConfiguration

    /// The last connection made; read on the way of every call, from any thread.
    private let latest = Mutex<ClientConnection?>(nil)
    /// Those that have not ended: besides the last one, one that is being opened, and those that are
    /// retired and still have calls.
    private var connections: [ClientConnection] = []
    /// The one attempt under way. Unstructured, so that no waiter's cancellation ends it for the
    /// others; it ends by itself after the connect timeout.
    private var attempt: Task<Void, Never>?
    private var waiters: [UInt64: Waiter] = [:]
    private var nextWaiter: UInt64 = 0
    private var isClosed = false

    private typealias Outcome = Result<ClientConnection, BlobError>
    private typealias Waiter = CheckedContinuation<Outcome, Never>

    init(path: String, loop: EventLoop, configuration: ClientConfiguration) {
        self.path = path
        self.loop = loop
        self.configuration = configuration
    }

    /// The connection to use now; waits for one at most until `deadline`.
    nonisolated func connection(
        deadline: ContinuousClock.Instant? = nil
    ) async throws(BlobError) -> ClientConnection {
        if let usable { return usable }
        return try await waitForConnection(deadline: deadline)
    }

    private nonisolated var usable: ClientConnection? {
        guard let connection = latest.withLock({ $0 }), connection.isUsable else { return nil }
        return connection
    }

    private func waitForConnection(
        deadline: ContinuousClock.Instant?
    ) async throws(BlobError) -> ClientConnection {
        let waiter = nextWaiter
        nextWaiter += 1
        var timer: TimerToken?
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: Waiter) in
                waiters[waiter] = continuation
                timer = deadline.map { scheduleEnd(of: waiter, at: $0) }
                beginAttempt(for: waiter)
            }
        } onCancel: {
            loop.execute { self.assumeIsolated { $0.resume(waiter, .failure(.cancelled)) } }
        }
        if let timer { loop.cancel(timer) }
        return try outcome.get()
    }

    private func scheduleEnd(
        of waiter: UInt64, at deadline: ContinuousClock.Instant
    ) -> TimerToken {
        loop.schedule(after: deadline - ContinuousClock.now) { [weak self] in
            self?.assumeIsolated { $0.resume(waiter, .failure(Self.tooLate)) }
        }
    }

    /// Makes the attempt that `waiter` waits for, unless there is one or it has what it wants: other
    /// work of this actor may have run since it looked.
    private func beginAttempt(for waiter: UInt64) {
        if isClosed {
            resume(waiter, .failure(Self.closed))
        } else if Task.isCancelled {
            resume(waiter, .failure(.cancelled))
        } else if let usable {
            resume(waiter, .success(usable))
        } else if attempt == nil {
            // With the loop preferred, none of its steps waits for a thread of the global pool: a
            // busy program must not make the handshake time out.
            attempt = Task(executorPreference: loop) { await self.makeAttempt() }
        }
    }

    private func resume(_ waiter: UInt64, _ outcome: Outcome) {
        waiters.removeValue(forKey: waiter)?.resume(returning: outcome)
    }

    private func makeAttempt() async {
        var outcome = await connect()
        if isClosed {
            if case .success(let connection) = outcome { await connection.end(Self.closed) }
            outcome = .failure(Self.closed)
        }
        attempt = nil
        if case .success(let connection) = outcome { latest.withLock { $0 = connection } }
        let resumed = waiters.values
        waiters.removeAll()
        for waiter in resumed { waiter.resume(returning: outcome) }
    }

    private static let closed = BlobError(.cancelled, "the client was closed", origin: .client)
    private static let tooLate = BlobError(
        .deadlineExceeded, "the time limit passed before there was a connection", origin: .client)

    /// Ends every connection and the attempt to make one, and refuses to make another.
    func close() {
        isClosed = true
        latest.withLock { $0 = nil }
        attempt?.cancel()
        for connection in connections { connection.assumeIsolated { $0.end(Self.closed) } }
        connections = []
    }

    private func connect() async -> Result<ClientConnection, BlobError> {
        let deadline = ContinuousClock.now + configuration.connectTimeout
        var pause = configuration.reconnectPause
        while true {
            let error: BlobError
            do throws(BlobError) {
                return .success(try await connectOnce())
            } catch let failure {
                error = failure
            }
            // Jitter keeps clients that lost the same server from coming back in step.
            let jittered = pause * Double.random(in: 0.5...1)
            guard error.retry != .never, !isClosed, ContinuousClock.now + jittered < deadline else {
                return .failure(error)
            }
            do {
                try await loop.sleep(for: jittered)
            } catch {
                return .failure(BlobError.cancelled)
            }
            pause = min(pause * 2, configuration.maximumReconnectPause)
        }
    }

    private func connectOnce() async throws(BlobError) -> ClientConnection {
        let socket: OwnedDescriptor
        do {
            socket = try await loop.connectUnix(path: path, timeout: configuration.connectTimeout)
        } catch {
            throw Self.failure(error, path: path)
        }
        guard !isClosed else { throw Self.closed }
        try checkServer(socket.rawValue)
        if let byteCount = configuration.sendBufferByteCount {
            // Best effort: the system's default works as well, only slower.
            _ = try? SocketOptions.requestSendBuffer(
                byteCount: byteCount, descriptor: socket.rawValue)
        }
        let connection = ClientConnection(
            socket: socket, loop: loop, configuration: configuration)
        connections.removeAll { $0.assumeIsolated { $0.ended != nil } }
        connections.append(connection)
        try await connection.open(timeout: configuration.connectTimeout)
        return connection
    }

    /// Refuses a server that runs as another user than those allowed.
    private func checkServer(_ socket: Int32) throws(BlobError) {
        guard let allowed = configuration.allowedServerUserIDs else { return }
        let user: UInt32
        do {
            user = try PeerCredentials(ofSocket: socket).userID
        } catch {
            throw BlobError(
                .unauthenticatedPeer, "cannot tell who serves \(path): \(error)", origin: .client)
        }
        guard allowed.contains(user) else {
            let names = allowed.sorted().map { "\($0)" }.joined(separator: ", ")
            throw BlobError(
                .unauthenticatedPeer,
                "\(path) is served by user \(user), allowed is \(names.isEmpty ? "none" : names)",
                origin: .client)
        }
    }

    private static func failure(_ error: SystemError, path: String) -> BlobError {
        switch error.errorNumber {
        case EACCES, EPERM:
            return BlobError(
                .permissionDenied, "may not connect to \(path): \(error)", origin: .client)
        case ENOENT, ECONNREFUSED, ENOTSOCK, ECONNRESET, EPIPE, ETIMEDOUT, EAGAIN:
            var failure = BlobError(
                .connectionLost, "no server answers at \(path): \(error); is blobrpcd running?",
                origin: .client)
            failure.retry = .backoff
            return failure
        default:
            return BlobError(
                .inputOutput, "cannot connect to \(path): \(error)", origin: .client)
        }
    }
}
