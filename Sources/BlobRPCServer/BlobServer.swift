public import BlobCore
internal import BlobTransport
internal import BlobWire
public import LinuxIO
public import Logging
internal import Synchronization

/// Serves a `BlobStore` on Unix sockets.
public final class BlobServer: Sendable {
    private struct State {
        var sessions: [UInt64: ServerSession] = [:]
        /// Per socket, by path: its connections, and those of them before their HELLO.
        var connections: [String: Set<UInt64>] = [:]
        var handshakes: [String: Set<UInt64>] = [:]
        var nextIdentifier: UInt64 = 1
        var isDraining = false
        var emptyWaiters: [CheckedContinuation<Void, Never>] = []
        var hasWaitedEnough = false
    }

    /// Counters since the start.
    public let metrics = ServerMetrics()

    let configuration: ServerConfiguration
    private let store: any BlobStore
    private let blockingPool: BlockingPool
    private let logger: Logger
    private let identity: ServerIdentity
    let loops: [EventLoop]
    private let state = Mutex(State())
    private let acceptors: [Acceptor]

    /// Binds every socket and starts to serve.
    ///
    /// - Throws: `conflict` when another server lives at a path, `invalidArgument` for a path that is
    ///   unsafe, overlong or taken by a file, `inputOutput` for what the system refuses.
    public init(
        configuration: ServerConfiguration, store: any BlobStore, blockingPool: BlockingPool,
        logger: Logger, systemCalls: SystemCalls = .live
    ) throws(BlobError) {
        self.configuration = configuration
        self.store = store
        self.blockingPool = blockingPool
        self.logger = logger
        identity = ServerIdentity(
            agentName: configuration.agentName, instanceID: Self.makeInstanceID(),
            startedAt: .now, schemes: configuration.schemes, mounts: configuration.mountNames)
        do {
            loops = try (0..<max(1, configuration.eventLoopCount)).map { index in
                try EventLoop(name: "blobrpc-\(index)", systemCalls: systemCalls)
            }
        } catch {
            throw BlobError(.inputOutput, "cannot start the event loops: \(error)")
        }
        do {
            acceptors = try configuration.listeners.map { [loops] listener in
                try Acceptor(configuration: listener, loop: loops[0], systemCalls: systemCalls)
            }
        } catch {
            for loop in loops { loop.shutdown() }
            throw error as? BlobError ?? BlobError(.inputOutput, "\(error)")
        }
        for acceptor in acceptors {
            acceptor.start { [weak self] event in self?.handle(event, acceptor.configuration) }
        }
    }

    private static func makeInstanceID() -> String {
        String(UInt64.random(in: 0 ... .max), radix: 16)
            + String(UInt64.random(in: 0 ... .max), radix: 16)
    }

    /// The paths that are served.
    public var socketPaths: [String] { configuration.listeners.map(\.path) }

    /// The number of connections.
    public var connectionCount: Int { state.withLock { $0.sessions.count } }

    // MARK: Connections

    private func handle(
        _ event: consuming AcceptLoop.Event, _ listener: ListenerConfiguration
    ) {
        switch consume event {
        case .connection(let socket): accept(socket, listener)
        case .paused(let errorNumber):
            metrics.add(to: "accept.paused")
            logger.warning(
                "accepting pauses: out of descriptors or memory",
                metadata: ["errno": "\(errorNumber)", "listener": "\(listener.path)"])
        case .failed(let error):
            logger.error(
                "a listener failed",
                metadata: ["error": "\(error)", "listener": "\(listener.path)"])
        }
    }

    private func accept(_ socket: consuming OwnedDescriptor, _ listener: ListenerConfiguration) {
        let descriptor = socket.rawValue
        let peer: PeerCredentials
        do {
            peer = try PeerCredentials(ofSocket: descriptor)
        } catch {
            // A peer that vanished or cannot be named is turned away.
            metrics.add(to: "connections.refused")
            return
        }
        if let byteCount = listener.sendBufferByteCount {
            _ = try? SocketOptions.requestSendBuffer(
                byteCount: Int(byteCount), descriptor: descriptor)
        }
        _ = try? SocketOptions.refuseDescriptors(descriptor: descriptor)
        let admitted = state.withLock { state -> (identifier: UInt64, loop: EventLoop)? in
            guard !state.isDraining,
                state.connections[listener.path, default: []].count
                    < listener.maximumConnectionCount,
                state.handshakes[listener.path, default: []].count
                    < listener.maximumHandshakeCount
            else { return nil }
            let identifier = state.nextIdentifier
            state.nextIdentifier += 1
            state.connections[listener.path, default: []].insert(identifier)
            state.handshakes[listener.path, default: []].insert(identifier)
            return (identifier, loops[Int(identifier % UInt64(loops.count))])
        }
        guard let (identifier, loop) = admitted else {
            metrics.add(to: "connections.refused")
            turnAway(socket, listener)
            return
        }
        metrics.add(to: "connections.accepted")
        let session = ServerSession(
            socket: socket, peer: peer, identifier: identifier, loop: loop,
            environment: environment(of: listener))
        state.withLock { $0.sessions[identifier] = session }
        loop.execute { session.assumeIsolated { $0.start() } }
    }

    /// Says why, as far as the socket takes it at once, and closes.
    private func turnAway(
        _ socket: consuming OwnedDescriptor, _ listener: ListenerConfiguration
    ) {
        let connection = FramedConnection(
            socket: socket, role: .server, limits: listener.limits,
            hello: environment(of: listener).makeHello(), writeBudgetByteCount: 1 << 16,
            loop: loops[0])
        connection.machine.close(
            for: WireError(.overloaded, "too many connections on this socket"))
        _ = connection.flush { _ in }
        connection.close()
    }

    private func environment(of listener: ListenerConfiguration) -> SessionEnvironment {
        SessionEnvironment(
            listener: listener, store: store, metrics: metrics, logger: logger,
            identity: identity,
            handshakeEnded: { [weak self] identifier in
                self?.state.withLock { _ = $0.handshakes[listener.path]?.remove(identifier) }
            },
            sessionEnded: { [weak self] identifier in self?.forget(identifier, listener.path) })
    }

    private func forget(_ identifier: UInt64, _ path: String) {
        let waiters = state.withLock { state in
            state.handshakes[path]?.remove(identifier)
            state.connections[path]?.remove(identifier)
            state.sessions[identifier] = nil
            guard state.sessions.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.emptyWaiters = [] }
            return state.emptyWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Shutdown, for BlobServer+Shutdown.swift

    func stopAccepting() -> [ServerSession] {
        for acceptor in acceptors { acceptor.stop() }
        return state.withLock { state in
            state.isDraining = true
            return Array(state.sessions.values)
        }
    }

    /// Returns when there is no session, or when ``endWaiting()`` says that it was long enough.
    func waitForSessions() async {
        await withCheckedContinuation { waiter in
            let isOver = state.withLock { state in
                let isOver = state.sessions.isEmpty || state.hasWaitedEnough
                if !isOver { state.emptyWaiters.append(waiter) }
                return isOver
            }
            if isOver { waiter.resume() }
        }
    }

    func endWaiting() {
        let waiters = state.withLock { state in
            state.hasWaitedEnough = true
            defer { state.emptyWaiters = [] }
            return state.emptyWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
