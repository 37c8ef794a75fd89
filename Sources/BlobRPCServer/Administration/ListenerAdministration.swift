internal import BlobCore
internal import LinuxIO
internal import Logging
internal import Synchronization

/// The sockets that launchers added while the server runs, and when each goes.
final class ListenerAdministration: Sendable {
    private struct Added {
        /// Tells it from an earlier one at the same path.
        var number: UInt64
        var text: String
        /// When its lease ends.
        var end: ContinuousClock.Instant?
        /// When somebody looks at `end` next; nil while the socket is being bound.
        var nextCheck: ContinuousClock.Instant?
        /// The connection it goes with.
        var caller: UInt64?
    }

    private struct State {
        weak var server: BlobServer?
        var added: [String: Added] = [:]
        var nextNumber: UInt64 = 0
    }

    private let reader: (any ListenerReader)?
    private let pool: BlockingPool
    private let logger: Logger
    private let state = Mutex(State())

    init(_ reader: (any ListenerReader)?, _ pool: BlockingPool, logger: Logger) {
        self.reader = reader
        self.pool = pool
        self.logger = logger
    }

    /// The server whose sockets these are.
    func serve(_ server: BlobServer) {
        state.withLock { $0.server = server }
    }

    private func server() throws(BlobError) -> BlobServer {
        guard let server = state.withLock({ $0.server }) else {
            throw BlobError(.shuttingDown, "the server is shutting down")
        }
        return server
    }

    // MARK: Adding

    /// W-101: serves the socket that `text` describes, or renews its lease.
    ///
    /// - Parameter caller: The connection that asks.
    /// - Returns: The path, where clients can connect at once.
    func add(
        _ text: String, _ options: ListenerOptions, caller: UInt64
    ) async throws(BlobError) -> String {
        let server = try server()
        guard let reader else {
            throw BlobError(.unsupportedOperation, "this server takes no sockets while it runs")
        }
        let configuration = try await blocking { () throws(BlobError) in
            try reader.listener(text)
        }
        // W-102: who may add sockets is said in the configuration alone.
        guard !configuration.policy.administersListeners, configuration.inherited == nil else {
            throw BlobError(
                .invalidArgument, "a socket for launchers cannot be added while the server runs")
        }
        let path = configuration.path
        let owner = options.endsWithCaller ? caller : nil
        guard let number = try reserve(path, text, options, owner) else { return path }
        let listener: ServedListener
        do throws(BlobError) {
            listener = try await blocking { () throws(BlobError) in try server.add(configuration) }
        } catch {
            forget(path, number)
            throw error
        }
        guard begin(path, number, options) else {
            // Somebody removed it before it was there, and may have added the next one meanwhile.
            _ = try? await server.beginRemoval(at: path, of: listener).value
            throw BlobError(.cancelled, "the socket at \(path) was removed while it was added")
        }
        logger.notice("socket added", metadata: ["listener": "\(path)"])
        return path
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlockingPoolError<BlobError>) {
            return try await pool.run(body)
        } catch {
            switch error {
            case .failed(let failure): throw failure
            case .cancelled: throw BlobError.cancelled
            case .shutDown: throw BlobError(.shuttingDown, "the server is shutting down")
            default: throw BlobError(.overloaded, "too many file calls are waiting")
            }
        }
    }

    /// Takes the path for a new socket.
    ///
    /// - Returns: The number of the new socket; nil when there was one and its lease is renewed.
    private func reserve(
        _ path: String, _ text: String, _ options: ListenerOptions, _ owner: UInt64?
    ) throws(BlobError) -> UInt64? {
        let (number, check) = try state.withLock {
            state throws(BlobError) -> (UInt64?, Duration?) in
            guard let present = state.added[path] else {
                state.nextNumber += 1
                state.added[path] = Added(
                    number: state.nextNumber, text: text, caller: owner)
                return (state.nextNumber, nil)
            }
            guard let seconds = options.leaseSeconds, present.end != nil, present.text == text,
                present.caller == owner
            else {
                throw BlobError(
                    .conflict,
                    "a socket is served at \(path); only the same text with a lease renews it")
            }
            let end = ContinuousClock.now + .seconds(seconds)
            state.added[path]?.end = end
            // The check that is to come finds the new end; an earlier end needs an earlier check.
            guard let next = present.nextCheck, end < next else { return (nil, nil) }
            state.added[path]?.nextCheck = end
            return (nil, .seconds(seconds))
        }
        if let check, let present = state.withLock({ $0.added[path]?.number }) {
            schedule(path, present, after: check)
        }
        return number
    }

    /// The socket is served: its lease begins.
    ///
    /// - Returns: False when it was removed meanwhile.
    private func begin(_ path: String, _ number: UInt64, _ options: ListenerOptions) -> Bool {
        let end = options.leaseSeconds.map { ContinuousClock.now + .seconds($0) }
        let isThere = state.withLock { state in
            guard state.added[path]?.number == number else { return false }
            state.added[path]?.end = end
            state.added[path]?.nextCheck = end
            return true
        }
        if isThere, let seconds = options.leaseSeconds {
            schedule(path, number, after: .seconds(seconds))
        }
        return isThere
    }

    private func forget(_ path: String, _ number: UInt64) {
        state.withLock { state in
            if state.added[path]?.number == number { state.added[path] = nil }
        }
    }

    // MARK: Removing

    /// W-103: revokes a socket that was added. It goes to its end also when the caller does not wait.
    func remove(_ path: String) async throws(BlobError) -> [OpenUpload] {
        let server = try server()
        let isAdded = state.withLock { $0.added.removeValue(forKey: path) != nil }
        guard isAdded else {
            guard server.serves(path) else {
                throw BlobError(.notFound, "no socket is served at \(path)")
            }
            throw BlobError(
                .permissionDenied,
                "the socket at \(path) is one of the configuration; take it out there",
                origin: .policy)
        }
        return try await server.removeListener(at: path)
    }

    /// W-105: what was to go with this connection goes.
    func callerEnded(_ caller: UInt64) {
        let (server, paths) = state.withLock { state in
            let paths = state.added.filter { $0.value.caller == caller }.keys
            for path in paths { state.added[path] = nil }
            return (state.server, Array(paths))
        }
        guard let server else { return }
        for path in paths {
            logger.notice("the launcher of a socket is gone", metadata: ["listener": "\(path)"])
            _ = try? server.beginRemoval(at: path)
        }
    }

    private func schedule(_ path: String, _ number: UInt64, after delay: Duration) {
        guard let loop = try? server().context.loops.first else { return }
        loop.execute { [weak self] in
            _ = loop.schedule(after: delay) { self?.checkLease(path, number) }
        }
    }

    /// W-105: a lease that was not renewed in time.
    private func checkLease(_ path: String, _ number: UInt64) {
        let now = ContinuousClock.now
        let (server, left) = state.withLock { state -> (BlobServer?, Duration?) in
            guard let present = state.added[path], present.number == number,
                let end = present.end
            else { return (nil, nil) }
            guard end > now else {
                state.added[path] = nil
                return (state.server, nil)
            }
            state.added[path]?.nextCheck = end
            return (nil, end - now)
        }
        if let left { schedule(path, number, after: left) }
        guard let server else { return }
        logger.notice("the lease of a socket has ended", metadata: ["listener": "\(path)"])
        _ = try? server.beginRemoval(at: path)
    }

    // MARK: Telling

    /// W-104: the sockets by path.
    func list() throws(BlobError) -> [ListenerStatus] {
        let added = state.withLock { $0.added }
        let now = ContinuousClock.now
        return try server().listeners.sorted { $0.path < $1.path }.map { listener in
            var status = ListenerStatus(
                path: listener.path, connectionCount: UInt32(clamping: listener.connectionCount),
                policy: listener.store.policy.summary)
            if let added = added[listener.path] {
                status.isAdded = true
                status.endsWithCaller = added.caller != nil
                status.leaseSeconds = added.end.map {
                    UInt32(clamping: max(.zero, $0 - now).components.seconds)
                }
            }
            return status
        }
    }
}
