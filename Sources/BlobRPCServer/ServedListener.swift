internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO
internal import Logging
internal import Synchronization

/// One socket being served: its policy, its connections, and what its peers have taken together.
final class ServedListener: Sendable {
    private struct State {
        var store: PolicyStore
        var sessions: [UInt64: ServerSession] = [:]
        /// Connections, and those of them before their HELLO; a connection ends with its last handler.
        var connections: [UInt64: QuotaShare] = [:]
        var handshakes: Set<UInt64> = []
        var arrivals = TokenBucket()
        var isStopping = false
        var emptyWaiters: [CheckedContinuation<Void, Never>] = []
        var hasWaitedEnough = false
    }

    let configuration: ListenerConfiguration
    let context: ServerContext
    let quota: ListenerQuota
    let uploads = UploadLedger()
    /// Made anew for each socket: peers of two sockets cannot tell that one server has both.
    let instanceID =
        String(UInt64.random(in: 0 ... .max), radix: 16)
        + String(UInt64.random(in: 0 ... .max), radix: 16)
    let startedAt = ContinuousClock.now
    private let acceptor: Acceptor
    private let state: Mutex<State>

    /// Binds the socket; nobody is accepted before ``start()``.
    init(_ configuration: ListenerConfiguration, _ context: ServerContext) throws(BlobError) {
        // W-100
        if configuration.policy.administersListeners {
            guard configuration.mode & 0o077 == 0, configuration.inherited == nil else {
                throw BlobError(
                    .invalidArgument,
                    "\(configuration.path): a socket for launchers is made by the server itself,"
                        + " with mode 0600")
            }
        }
        self.configuration = configuration
        self.context = context
        quota = ListenerQuota(context.descriptors)
        acceptor = try Acceptor(
            configuration: configuration, loop: context.loops(for: configuration.policy)[0],
            systemCalls: context.systemCalls)
        state = Mutex(
            State(
                store: PolicyStore(
                    context.store, policy: configuration.policy, uploads: uploads)))
    }

    var path: String { configuration.path }

    /// The stores as calls that begin now may use them.
    var store: PolicyStore { state.withLock { $0.store } }

    /// Changes what calls that begin from now on may do. The limits of a connection stay those of its
    /// HELLO.
    func setPolicy(_ policy: ListenerPolicy) {
        let store = PolicyStore(context.store, policy: policy, uploads: uploads)
        state.withLock { $0.store = store }
    }

    var connectionCount: Int { state.withLock { $0.sessions.count } }

    // MARK: Connections

    func start() {
        acceptor.start { [weak self] event in self?.handle(event) }
    }

    private func handle(_ event: consuming AcceptLoop.Event) {
        switch consume event {
        case .connection(let socket): accept(socket)
        case .paused(let errorNumber):
            context.metrics.add(to: "accept.paused")
            context.logger.warning(
                "accepting pauses: out of descriptors or memory",
                metadata: ["errno": "\(errorNumber)", "listener": "\(path)"])
        case .failed(let error):
            context.logger.error(
                "a listener failed", metadata: ["error": "\(error)", "listener": "\(path)"])
        }
    }

    private func accept(_ socket: consuming OwnedDescriptor) {
        let descriptor = socket.rawValue
        let peer: PeerCredentials
        do {
            peer = try context.systemCalls.peerCredentials(descriptor)
        } catch {
            // A peer that vanished or cannot be named is turned away.
            context.metrics.add(to: "connections.refused")
            return
        }
        let store = self.store
        let policy = store.policy
        paceArrivals(policy)
        if let byteCount = policy.sendBufferByteCount {
            _ = try? SocketOptions.requestSendBuffer(
                byteCount: Int(byteCount), descriptor: descriptor)
        }
        _ = try? SocketOptions.refuseDescriptors(descriptor: descriptor)
        // W-96
        guard policy.admits(peer) else {
            turnAway(socket, policy, .unauthenticatedPeer, "this user may not use this socket")
            return
        }
        let (identifier, loop) = context.nextConnection(policy)
        guard admit(identifier, policy) else {
            turnAway(socket, policy, .overloaded, "too many connections")
            return
        }
        context.metrics.add(to: "connections.accepted")
        let session = ServerSession(
            socket: socket,
            // The audit alone names the process; nothing is decided on it.
            peer: context.audit == nil ? peer : peer.withoutEndedProcess(ofSocket: descriptor),
            identifier: identifier, loop: loop, listener: self,
            store: store)
        let isStopping = state.withLock { state in
            state.sessions[identifier] = session
            return state.isStopping
        }
        loop.execute {
            session.assumeIsolated { isStopping ? $0.close() : $0.start() }
        }
    }

    /// W-99: who comes too soon after others is let in, and those after it wait.
    private func paceArrivals(_ policy: ListenerPolicy) {
        guard let rate = policy.connectionRate else { return }
        let delay = state.withLock { $0.arrivals.overdraw(1, of: rate, now: .now) }
        if let delay { acceptor.pause(for: delay) }
    }

    private func admit(_ identifier: UInt64, _ policy: ListenerPolicy) -> Bool {
        guard let share = try? quota.admit(policy) else { return false }
        return state.withLock { state in
            guard !state.isStopping, state.connections.count < policy.maximumConnectionCount,
                state.handshakes.count < policy.maximumHandshakeCount
            else { return false }
            state.connections[identifier] = share
            state.handshakes.insert(identifier)
            return true
        }
    }

    /// Says why, as far as the socket takes it at once, and closes.
    private func turnAway(
        _ socket: consuming OwnedDescriptor, _ policy: ListenerPolicy, _ code: BlobError.Code,
        _ reason: String
    ) {
        context.metrics.add(to: "connections.refused")
        let connection = FramedConnection(
            socket: socket, role: .server, limits: policy.limits,
            hello: HelloFrame(
                limits: policy.limits, maximumStreamCount: policy.limits.maximumStreamCount),
            writeBudgetByteCount: 1 << 16, loop: context.loops(for: configuration.policy)[0])
        connection.machine.close(for: WireError(code, reason))
        _ = connection.flush { _ in }
        connection.close()
    }

    func handshakeEnded(_ identifier: UInt64) {
        state.withLock { _ = $0.handshakes.remove(identifier) }
    }

    func sessionEnded(_ identifier: UInt64) {
        let (waiters, share) = state.withLock { state in
            state.handshakes.remove(identifier)
            let share = state.connections.removeValue(forKey: identifier)
            state.sessions[identifier] = nil
            guard state.sessions.isEmpty else {
                return ([CheckedContinuation<Void, Never>](), share)
            }
            defer { state.emptyWaiters = [] }
            return (state.emptyWaiters, share)
        }
        share?.end()
        for waiter in waiters { waiter.resume() }
        if configuration.policy.administersListeners {
            context.administration.callerEnded(identifier)
        }
    }

    // MARK: Ending

    /// Accepts nobody any more and removes the path.
    ///
    /// - Returns: The connections that there are.
    func stopAccepting() -> [ServerSession] {
        let sessions = state.withLock { state in
            state.isStopping = true
            return Array(state.sessions.values)
        }
        acceptor.stop()
        return sessions
    }

    /// Returns when there is no session, or when ``endWaiting()`` says that it was long enough.
    func waitUntilEmpty() async {
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

    /// The uploads that are open, given up where the policy says so.
    func endUploads() async -> [OpenUpload] {
        let policy = store.policy
        var ended: [OpenUpload] = []
        for upload in uploads.end() {
            var open = OpenUpload(upload: upload)
            if policy.abortsUploadsOnRemoval {
                do throws(BlobError) {
                    try await context.store.abortMultipartUpload(upload, options: CallOptions())
                    open.isAborted = true
                } catch {
                    open.error = error
                }
            }
            ended.append(open)
        }
        return ended
    }
}

extension ListenerPolicy {
    /// W-96: by the kernel's word of who connected.
    func admits(_ peer: PeerCredentials) -> Bool {
        guard userIDs != nil || groupIDs != nil else { return true }
        return userIDs?.contains(peer.userID) ?? false
            || groupIDs?.contains(peer.groupID) ?? false
    }
}
