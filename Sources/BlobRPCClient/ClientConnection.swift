internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO
internal import Synchronization

/// One connection to a server: many calls at once, each answered exactly once.
///
/// An actor on the client's event loop; see `ServerSession` for the same arrangement.
actor ClientConnection: ReadinessHandler, EndOfTurnHandler {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let configuration: ClientConfiguration
    let transport: FramedConnection

    var calls: [UInt32: PendingCall] = [:]
    /// Calls that wait until the server takes more, in order.
    var queue: [QueuedCall] = []
    private var openWaiter: CheckedContinuation<BlobError?, Never>?
    var pings: [(echo: UInt32, waiter: CheckedContinuation<BlobError?, Never>)] = []
    var nextEcho: UInt32 = 1
    private var stalls: StallWatch
    private var isCheckScheduled = false
    /// Why the connection is over; nil while it lives.
    private(set) var ended: BlobError?
    private static let readBudgetByteCount = 512 << 10
    private static let writeBudgetByteCount = 512 << 10

    init(
        socket: consuming OwnedDescriptor, loop: EventLoop, configuration: ClientConfiguration
    ) {
        self.loop = loop
        self.configuration = configuration
        var hello = HelloFrame(limits: configuration.limits, maximumStreamCount: 0)
        hello.agentName = configuration.agentName
        stalls = StallWatch(
            partialFrame: configuration.stallTimeout, writeStall: configuration.stallTimeout)
        transport = FramedConnection(
            socket: socket, role: .client, limits: configuration.limits, hello: hello,
            writeBudgetByteCount: Self.writeBudgetByteCount, loop: loop)
    }

    /// Whether new calls can be made on this connection. From any thread: a call that comes too late
    /// all the same is refused as not started.
    nonisolated var isUsable: Bool { !isOver.load(ordering: .acquiring) }
    private let isOver = Atomic(false)

    /// Does the handshake.
    func open(timeout: Duration) async throws(BlobError) {
        do {
            try transport.watch(self)
        } catch {
            throw BlobError(.inputOutput, "cannot watch the socket: \(error)", origin: .client)
        }
        let timer = loop.schedule(after: timeout) { [weak self] in
            self?.assumeIsolated { connection in
                connection.end(
                    BlobError(
                        .handshakeTimeout, "the server did not answer within \(timeout)",
                        origin: .client))
            }
        }
        scheduleFlush()
        let error = await withCheckedContinuation { waiter in
            if ended != nil || transport.machine.peer != nil {
                waiter.resume(returning: ended)
            } else {
                openWaiter = waiter
            }
        }
        loop.cancel(timer)
        // The connection may have ended between the answer and this step.
        if let error = error ?? ended { throw error }
    }

    /// Ends the connection; calls on it fail with `error`. Idempotent.
    func end(_ error: BlobError) {
        guard ended == nil else { return }
        ended = error
        retire()
        transport.close()
        openWaiter?.resume(returning: error)
        openWaiter = nil
        for call in calls.values { _ = call.fail(error) }
        calls.removeAll()
        for ping in pings { ping.waiter.resume(returning: error) }
        pings.removeAll()
        failQueue(error)
    }

    /// The server broke a rule: GOAWAY says which, as far as the socket takes it at once.
    private func fail(_ error: WireError, _ message: String) {
        guard ended == nil else { return }
        transport.machine.close(for: error)
        _ = transport.flush { _ in }
        end(BlobError(error.code, message, origin: .client))
    }

    /// What ends the connection and the calls it has not begun, once it is retired.
    static let retired = BlobError(
        .shuttingDown, "the server takes no more calls on this connection")

    /// New calls go to another connection; those that run end here.
    func retire() { isOver.store(true, ordering: .releasing) }

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
        while budget > 0 {
            switch transport.receive() {
            case .bytes(let byteCount, let isDrained):
                budget = isDrained ? 0 : budget - byteCount
                takeEvents()
            case .nothing: budget = 0
            case .descriptors:
                let message = "the server sent descriptors (W-16)"
                fail(WireError(.descriptorViolation, message), message)
            case .endOfStream: end(Self.lost("the server closed the connection"))
            case .failed(let error): end(Self.lost("the connection broke: \(error)"))
            }
        }
        guard ended == nil else { return }
        stalls.noteFrames(
            transport.receivedFrameCount, isPartial: transport.hasPartialFrame, now: loop.now())
        scheduleCheck()
        scheduleFlush()
    }

    // MARK: Stalls

    private func scheduleCheck() {
        guard stalls.isWatching, !isCheckScheduled, ended == nil else { return }
        isCheckScheduled = true
        // Looking four times in the limit finds every overrun within a quarter of it.
        loop.schedule(after: max(.milliseconds(5), configuration.stallTimeout / 4)) { [weak self] in
            self?.assumeIsolated { $0.check() }
        }
    }

    private func check() {
        isCheckScheduled = false
        guard let error = stalls.check(now: loop.now()) else { return scheduleCheck() }
        fail(error, "the server stands still: \(error.reason)")
    }

    static func lost(_ message: String) -> BlobError {
        BlobError(.connectionLost, message, origin: .client)
    }

    private func takeEvents() {
        let now = loop.now()
        do throws(WireError) {
            while ended == nil, let event = try transport.nextEvent(now: now) {
                try handle(event)
            }
        } catch {
            fail(error, "the server broke the protocol: \(error.reason)")
        }
    }

    private func handle(_ event: ConnectionEvent) throws(WireError) {
        switch event {
        case .opened:
            openWaiter?.resume(returning: nil)
            openWaiter = nil
        case .response(let streamID, let payload, let isLast):
            try receiveResponse(streamID: streamID, payload: payload, isLast: isLast)
        case .trailer(let streamID, let payload):
            try receiveTrailer(streamID: streamID, payload: payload)
        case .data(let streamID, let payload, let offset, _):
            let dropped =
                calls[streamID]?.responseBody?.append(payload, offset: offset, isLast: false)
                ?? payload.count
            if dropped > 0 { transport.machine.consumed(streamID: streamID, byteCount: dropped) }
        case .reset(let streamID, let code):
            callEnded(streamID: streamID, with: BlobError(code, "the server ended the call"))
        case .stopped(let streamID, _): calls[streamID]?.resumeWriter()
        case .pong(let echo):
            while let first = pings.first, first.echo <= echo {
                pings.removeFirst()
                first.waiter.resume(returning: nil)
            }
        case .goAway(let lastStreamID, let code, _): goAway(lastStreamID, code)
        case .request: break
        }
    }

    private func goAway(_ lastStreamID: UInt32, _ code: BlobError.Code) {
        retire()
        guard code == .shuttingDown else {
            end(BlobError(code, "the server closed the connection: \(code)", origin: .protocol))
            return
        }
        // W-56: what the server has not begun is safe to repeat on another connection.
        let notStarted = Self.retired
        for (streamID, call) in calls where streamID > lastStreamID {
            let dropped = call.fail(notStarted)
            if dropped > 0 { transport.machine.consumed(streamID: streamID, byteCount: dropped) }
            calls[streamID] = nil
        }
        failQueue(notStarted)
        if calls.isEmpty { end(notStarted) }
    }

    // MARK: Writing

    func scheduleFlush() {
        transport.scheduleFlush(self)
    }

    private func flush() {
        sendQueuedCalls()
        let outcome = transport.flush {
            streamID in
            calls[streamID]?.resumeWriter()
        } batchWritten: {
            stalls.noteWritten()
        }
        switch outcome {
        case .everything: return stalls.noteWritten()
        case .yielded: return waitForServer(hasProgress: true)
        case .blocked(let hasProgress): return waitForServer(hasProgress: hasProgress)
        case .failed: break
        }
        // What the server said before it went, for example GOAWAY, may still be unread.
        receive()
        end(Self.lost("the server closed the connection"))
    }

    /// W-53: it goes on when the socket is writable, which takes a server that reads.
    private func waitForServer(hasProgress: Bool) {
        if hasProgress { stalls.noteWritten() }
        stalls.noteBlocked(now: loop.now())
        scheduleCheck()
    }
}
