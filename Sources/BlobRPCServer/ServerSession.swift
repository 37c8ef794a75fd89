internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO
internal import Logging

/// One connection: moves bytes between the socket and the connection machine, and frames between
/// the machine and the handlers.
///
/// It is an actor whose executor is its event loop, so the compiler checks what only the loop's
/// thread may touch, and readiness callbacks enter it without a hop. It never waits for a handler
/// or for the peer: reading goes on whatever the writer does, because everything a peer can make it
/// keep is bounded by credit, by the number of calls, or is the latest state only.
actor ServerSession: ReadinessHandler, EndOfTurnHandler {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let listener: ServedListener
    let peer: PeerCredentials
    let identifier: UInt64

    let transport: FramedConnection

    var calls: [UInt32: Call] = [:]
    /// Calls that wait until the kernel has all their bytes.
    var callsToBeWritten: [Call] = []
    var watchdog: SessionWatchdog
    /// What HELLO said that this side takes.
    let limits: ConnectionLimits
    let timeouts: SessionTimeouts
    var closeReason: WireError?
    private var isDraining = false
    private var hasEnded = false

    /// Bytes read from one connection before the others get their turn.
    private static let readBudgetByteCount = 512 << 10
    /// Bytes written to one connection before the others get their turn.
    private static let writeBudgetByteCount = 256 << 10

    init(
        socket: consuming OwnedDescriptor, peer: PeerCredentials, identifier: UInt64,
        loop: EventLoop, listener: ServedListener, store: PolicyStore
    ) {
        self.loop = loop
        self.listener = listener
        self.peer = peer
        self.identifier = identifier
        limits = store.policy.limits
        timeouts = store.policy.timeouts
        transport = FramedConnection(
            socket: socket, role: .server, limits: limits,
            hello: store.makeHello(listener),
            writeBudgetByteCount: Self.writeBudgetByteCount, loop: loop)
        watchdog = SessionWatchdog(timeouts: timeouts)
    }

    /// Begins to serve; on the loop's thread.
    func start() {
        do {
            try transport.watch(self)
        } catch {
            listener.context.logger.error(
                "cannot watch a connection", metadata: ["error": "\(error)"])
            close()
            return
        }
        watchdog.begin(now: loop.now())
        scheduleWatchdog()
        scheduleFlush()
    }

    // MARK: Readiness

    nonisolated func ready(_ readiness: ReadinessSet) {
        assumeIsolated { $0.handle(readiness) }
    }

    nonisolated func endOfTurn() {
        assumeIsolated { $0.flush() }
    }

    private func handle(_ readiness: ReadinessSet) {
        if readiness.contains(.writable) { flush() }
        if !readiness.isDisjoint(with: [.readable, .peerClosed, .hangup, .error]) { receive() }
    }

    private func receive() {
        var budget = Self.readBudgetByteCount
        while budget > 0, transport.isOpen, closeReason == nil {
            switch transport.receive() {
            case .bytes(let byteCount, let isDrained):
                budget = isDrained ? 0 : budget - byteCount
                takeEvents()
            case .nothing: budget = 0
            case .descriptors:
                fail(WireError(.descriptorViolation, "descriptors were not agreed on (W-16)"))
            case .endOfStream: close()
            case .failed(let error):
                listener.context.logger.debug("connection broke", metadata: ["error": "\(error)"])
                close()
            }
        }
        guard transport.isOpen else { return }
        watchdog.stalls.noteFrames(
            transport.receivedFrameCount, isPartial: transport.hasPartialFrame, now: loop.now())
        scheduleWatchdog()
        scheduleFlush()
    }

    private func takeEvents() {
        let now = loop.now()
        do throws(WireError) {
            while let event = try transport.nextEvent(now: now) { try handle(event, now: now) }
        } catch {
            fail(error)
        }
    }

    private func handle(
        _ event: ConnectionEvent, now: ContinuousClock.Instant
    ) throws(WireError) {
        switch event {
        case .opened:
            watchdog.noteOpened()
            listener.handshakeEnded(identifier)
        case .request(let streamID, let payload, let body):
            watchdog.noteCall(now: now)
            try begin(streamID: streamID, payload: payload, body: body, now: now)
        case .data(let streamID, let payload, _, let isLast):
            calls[streamID]?.receivedByteCount += UInt64(payload.count)
            let dropped =
                calls[streamID]?.body?.append(payload, isLast: isLast) ?? payload.count
            if dropped > 0 { transport.machine.consumed(streamID: streamID, byteCount: dropped) }
        case .reset(let streamID, _):
            end(streamID: streamID, with: .cancelled)
        case .stopped(let streamID, _):
            calls[streamID]?.isStopped = true
            calls[streamID]?.resumeWriter()
        case .response, .trailer, .pong, .goAway: break
        }
    }

    // MARK: Writing

    func scheduleFlush() {
        transport.scheduleFlush(self)
    }

    /// Writes what there is to write, until the socket is full or the others want their turn.
    private func flush() {
        guard transport.isOpen else { return }
        let outcome = transport.flush { streamID in
            calls[streamID]?.resumeWriter()
        } batchWritten: {
            watchdog.stalls.noteWritten()
            resumeWrittenCalls()
        }
        switch outcome {
        case .everything:
            watchdog.stalls.noteWritten()
            if closeReason != nil || (isDraining && calls.isEmpty) { close() }
        case .yielded: waitForPeer(hasProgress: true)
        case .blocked(let hasProgress): waitForPeer(hasProgress: hasProgress)
        case .failed: close()
        }
    }

    /// W-53: it goes on when the socket is writable, which takes a peer that reads. That holds after a
    /// turn that ended by itself, too: the socket may be fuller then than "writable" means to Linux.
    private func waitForPeer(hasProgress: Bool) {
        if hasProgress { watchdog.stalls.noteWritten() }
        watchdog.stalls.noteBlocked(now: loop.now())
        scheduleWatchdog()
    }

    /// Calls that wait until all their bytes are in the kernel, once a batch is.
    private func resumeWrittenCalls() {
        guard !callsToBeWritten.isEmpty else { return }
        callsToBeWritten.removeAll { call in
            guard transport.machine.isQueueEmpty(streamID: call.streamID) else {
                return !call.isWanted
            }
            call.isWritten = true
            call.resumeWriter()
            return true
        }
    }

    // MARK: Ending

    /// Takes no new calls; ends when the running ones have, or after the grace period.
    func drain(timeout: Duration) {
        guard !isDraining, transport.isOpen else { return }
        isDraining = true
        transport.machine.goAway(code: .shuttingDown, grace: timeout)
        loop.schedule(after: timeout) { [self] in assumeIsolated { $0.close() } }
        scheduleFlush()
    }

    /// The peer broke a rule: GOAWAY says which, then the connection ends.
    func fail(_ error: WireError) {
        guard closeReason == nil else { return }
        closeReason = error
        listener.context.metrics.add(to: "connections.closed.\(error.code)")
        listener.context.logger.info(
            "closing a connection",
            metadata: [
                "rpc.reason": "\(error.code): \(error.reason)", "peer.uid": "\(peer.userID)",
                "listener": "\(listener.path)",
            ])
        endAllCalls()
        transport.machine.close(for: error)
        transport.stopReading()
        scheduleFlush()
    }

    /// Ends the connection at once and cancels all calls on it. Idempotent.
    func close() {
        guard transport.isOpen else { return }
        transport.close()
        endAllCalls()
        endIfDone()
    }

    /// The session has ended when its last handler has: until then it counts against the limits, and
    /// the store behind it is in use.
    func endIfDone() {
        guard !transport.isOpen, calls.isEmpty, !hasEnded else { return }
        hasEnded = true
        listener.sessionEnded(identifier)
    }

    private func endAllCalls() {
        let error = BlobError(.connectionLost, "the connection ended", origin: .protocol)
        for streamID in calls.keys { end(streamID: streamID, with: error) }
    }
}
