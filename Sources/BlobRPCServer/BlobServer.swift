public import BlobCore
public import LinuxIO
public import Logging
internal import Synchronization

/// Serves a `BlobStore` on Unix sockets.
public final class BlobServer: Sendable {
    private struct State {
        /// The sockets, by path.
        var listeners: [String: ServedListener] = [:]
        /// Sockets that were taken away and whose ends are under way.
        var removals: [ObjectIdentifier: Removal] = [:]
        var isDraining = false
    }

    typealias Removal = Task<[OpenUpload], Never>

    /// Counters since the start.
    public let metrics: ServerMetrics

    let context: ServerContext
    private let state = Mutex(State())

    /// Binds every socket and starts to serve.
    ///
    /// - Parameters:
    ///   - audit: Is told of every call; nil for nobody.
    ///   - listenerReader: Understands what launchers send; nil for a server that takes no sockets
    ///     from them.
    /// - Throws: `conflict` when another server lives at a path, `invalidArgument` for a path that is
    ///   unsafe, overlong or taken by a file, `inputOutput` for what the system refuses.
    public init(
        configuration: ServerConfiguration, store: any BlobStore, blockingPool: BlockingPool,
        logger: Logger, audit: (any AuditSink)? = nil,
        listenerReader: (any ListenerReader)? = nil, systemCalls: SystemCalls = .live
    ) throws(BlobError) {
        let metrics = ServerMetrics()
        let loops: [EventLoop]
        do {
            let trusted = try (0..<max(1, configuration.eventLoopCount)).map { index in
                try EventLoop(name: "blobrpc-\(index)", systemCalls: systemCalls)
            }
            let untrusted = try (0..<max(1, configuration.untrustedEventLoopCount)).map { index in
                try EventLoop(
                    name: "blobrpc-u\(index)", priority: .background, systemCalls: systemCalls)
            }
            loops = trusted + untrusted
            Self.reportPriority(of: untrusted[0], logger)
        } catch {
            throw BlobError(.inputOutput, "cannot start the event loops: \(error)")
        }
        self.metrics = metrics
        context = ServerContext(
            configuration: configuration, store: store, metrics: metrics, audit: audit,
            logger: logger, loops: loops,
            administration: ListenerAdministration(listenerReader, blockingPool, logger: logger),
            systemCalls: systemCalls)
        context.administration.serve(self)
        var listeners: [String: ServedListener] = [:]
        do throws(BlobError) {
            for listener in configuration.listeners {
                listeners[listener.path] = try ServedListener(listener, context)
            }
        } catch {
            for listener in listeners.values { _ = listener.stopAccepting() }
            for loop in loops { loop.shutdown() }
            throw error
        }
        let bound = listeners
        state.withLock { $0.listeners = bound }
        for listener in bound.values { listener.start() }
    }

    /// Says so when the threads of untrusted sockets compete with the others like equals.
    private static func reportPriority(of loop: EventLoop, _ logger: Logger) {
        loop.execute {
            guard !loop.priority.isInForce else { return }
            logger.warning(
                "untrusted sockets are served at normal priority: the system refused setpriority")
        }
    }

    /// The paths that are served.
    public var socketPaths: [String] { state.withLock { $0.listeners.keys.sorted() } }

    /// The number of connections.
    public var connectionCount: Int { listeners.reduce(0) { $0 + $1.connectionCount } }

    var listeners: [ServedListener] { state.withLock { Array($0.listeners.values) } }

    /// The sockets, which from now on stay as they are, and the ends of others.
    func beginDraining() -> (listeners: [ServedListener], removals: [Removal]) {
        state.withLock { state in
            state.isDraining = true
            return (Array(state.listeners.values), Array(state.removals.values))
        }
    }

    // MARK: Sockets that come and go

    /// Serves one more socket; it accepts as soon as this returns.
    ///
    /// - Throws: `conflict` for a path that is served, here or by another server, `invalidArgument`
    ///   for one that cannot be, `shuttingDown` once the server drains.
    public func addListener(_ configuration: ListenerConfiguration) throws(BlobError) {
        _ = try add(configuration)
    }

    /// As ``addListener(_:)``; returns the socket, which another at the same path may succeed.
    func add(_ configuration: ListenerConfiguration) throws(BlobError) -> ServedListener {
        // The path's own lock keeps a second listener of the same path out.
        let listener = try ServedListener(configuration, context)
        let isServing = state.withLock { state in
            if !state.isDraining { state.listeners[configuration.path] = listener }
            return !state.isDraining
        }
        guard isServing else {
            _ = listener.stopAccepting()
            throw BlobError(.shuttingDown, "the server is shutting down")
        }
        listener.start()
        return listener
    }

    /// Changes the policy of a socket for the calls that begin from now on.
    ///
    /// - Throws: `notFound` when no socket is served at `path`, `invalidArgument` for a socket that
    ///   would become one for launchers, or be none any more: who has connected stays.
    public func setPolicy(_ policy: ListenerPolicy, at path: String) throws(BlobError) {
        guard let listener = state.withLock({ $0.listeners[path] }) else {
            throw Self.noSocket(path)
        }
        guard
            policy.administersListeners
                == listener.configuration.policy.administersListeners
        else {
            throw BlobError(
                .invalidArgument,
                "the socket at \(path) cannot change whether it is one for launchers")
        }
        listener.setPolicy(policy)
    }

    /// Revokes a socket: removes its path, closes its connections and cancels their calls. Returns
    /// when their handlers have ended, or have not in 5 seconds. A removal that has begun is not
    /// cancelled with its caller, and ``shutdown()`` waits for it.
    ///
    /// - Returns: The multipart uploads that were begun through the socket and are open, given up
    ///   where its policy says so.
    /// - Throws: `notFound` when no socket is served at `path`.
    @discardableResult
    public func removeListener(at path: String) async throws(BlobError) -> [OpenUpload] {
        try await beginRemoval(at: path).value
    }

    /// - Parameter expected: The only socket that is meant; nil for whichever is there.
    /// - Throws: `notFound`.
    @discardableResult
    func beginRemoval(
        at path: String, of expected: ServedListener? = nil
    ) throws(BlobError) -> Removal {
        let removal = state.withLock { state -> Removal? in
            guard !state.isDraining, let listener = state.listeners[path],
                expected == nil || expected === listener
            else { return nil }
            state.listeners[path] = nil
            let removal = Removal { await self.end(listener) }
            state.removals[ObjectIdentifier(listener)] = removal
            return removal
        }
        guard let removal else { throw Self.noSocket(path) }
        return removal
    }

    private func end(_ listener: ServedListener) async -> [OpenUpload] {
        for session in listener.stopAccepting() { await session.close() }
        endWaiting(for: [listener], [], after: Self.handlerEndTimeout)
        await listener.waitUntilEmpty()
        let uploads = await listener.endUploads()
        note(uploads, of: listener.path)
        state.withLock { $0.removals[ObjectIdentifier(listener)] = nil }
        return uploads
    }

    private func note(_ uploads: [OpenUpload], of path: String) {
        context.logger.notice("socket removed", metadata: ["listener": "\(path)"])
        for upload in uploads {
            context.logger.notice(
                "a multipart upload was open",
                metadata: [
                    "listener": "\(path)", "uri": "\(upload.upload.uri.redactedDescription)",
                    "aborted": "\(upload.isAborted)",
                    "error": "\(upload.error.map(\.description) ?? "none")",
                ])
        }
    }

    /// Whether a socket is served at `path`.
    func serves(_ path: String) -> Bool { state.withLock { $0.listeners[path] != nil } }

    private static func noSocket(_ path: String) -> BlobError {
        BlobError(.notFound, "no socket is served at \(path)")
    }
}
