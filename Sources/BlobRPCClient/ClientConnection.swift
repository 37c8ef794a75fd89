internal import BlobCore
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
    private var socket: OwnedDescriptor?
    private var registration: Registration?
    private var receiver: FrameReceiver
    var machine: ConnectionMachine
    private var output = SocketOutput()
    private var isFlushScheduled = false
    private var wantsWritable = false

    var calls: [UInt32: PendingCall] = [:]
    /// Calls that wait until the server takes more, in order.
    var queue: [QueuedCall] = []
    private var openWaiter: CheckedContinuation<BlobError?, Never>?
    private var pings: [(echo: UInt32, waiter: CheckedContinuation<BlobError?, Never>)] = []
    private var nextEcho: UInt32 = 1
    /// Why the connection is over; nil while it lives.
    private(set) var ended: BlobError?
    /// The server takes no new calls.
    private(set) var isGoingAway = false

    private static let readBudgetByteCount = 4 << 20
    private static let writeBudgetByteCount = 4 << 20

    init(
        socket: consuming OwnedDescriptor, loop: EventLoop, configuration: ClientConfiguration
    ) {
        self.loop = loop
        self.configuration = configuration
        self.socket = consume socket
        receiver = FrameReceiver(limits: configuration.limits.frames, expectsPreface: false)
        var hello = HelloFrame(limits: configuration.limits, maximumStreamCount: 0)
        hello.agentName = configuration.agentName
        machine = ConnectionMachine(role: .client, limits: configuration.limits, hello: hello)
    }

    /// Whether new calls can be made on this connection. From any thread: a call that comes too late
    /// all the same is refused as not started.
    nonisolated var isUsable: Bool { !isOver.load(ordering: .acquiring) }
    private let isOver = Atomic(false)

    /// Does the handshake.
    func open(timeout: Duration) async throws(BlobError) {
        guard let descriptor = socket?.rawValue else { throw BlobError.cancelled }
        do {
            registration = try loop.register(
                descriptor: descriptor, interest: [.readable, .peerClosed], handler: self)
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
            if ended != nil || machine.peer != nil {
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
        registration?.cancel()
        registration = nil
        socket = nil
        output = SocketOutput()
        openWaiter?.resume(returning: error)
        openWaiter = nil
        for call in calls.values { _ = call.fail(error) }
        calls.removeAll()
        for ping in pings { ping.waiter.resume(returning: error) }
        pings.removeAll()
        failQueue(error)
    }

    /// Sends a PING and waits for its PONG.
    func ping() async throws(BlobError) {
        let error = await withCheckedContinuation { waiter in
            guard ended == nil else {
                waiter.resume(returning: ended)
                return
            }
            let echo = nextEcho
            nextEcho &+= 1
            pings.append((echo, waiter))
            machine.ping(echo: echo)
            scheduleFlush()
        }
        if let error { throw error }
    }

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
        while budget > 0, let descriptor = socket?.rawValue {
            let stream = SocketStream(descriptor: descriptor, systemCalls: loop.systemCalls)
            var wasShort = false
            var result: ReceiveResult?
            let received = receiver.receive { first, second in
                let received = stream.receive(into: first, second)
                result = received
                guard case .transferred(let byteCount) = received.transfer else { return 0 }
                wasShort = byteCount < first.count + second.count
                return byteCount
            }
            switch result?.transfer {
            case .transferred:
                budget -= received
                takeFrames()
                if wasShort { budget = 0 }
            case .wouldBlock, nil: budget = 0
            case .endOfStream:
                end(Self.lost("the server closed the connection"))
            case .failed(let error):
                end(Self.lost("the connection broke: \(error)"))
            }
        }
        scheduleFlush()
    }

    static func lost(_ message: String) -> BlobError {
        BlobError(.connectionLost, message, origin: .client)
    }

    private func takeFrames() {
        let now = loop.now()
        do throws(WireError) {
            while ended == nil, let frame = try receiver.next() {
                if let event = try machine.receive(frame, now: now) { try handle(event) }
            }
        } catch {
            end(BlobError(error.code, "the server broke the protocol: \(error.reason)"))
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
            if dropped > 0 { machine.consumed(streamID: streamID, byteCount: dropped) }
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
        isGoingAway = true
        retire()
        guard code == .shuttingDown else {
            end(BlobError(code, "the server closed the connection: \(code)", origin: .protocol))
            return
        }
        // W-56: what the server has not begun is safe to repeat on another connection.
        let notStarted = BlobError(.shuttingDown, "the server is shutting down")
        for (streamID, call) in calls where streamID > lastStreamID {
            let dropped = call.fail(notStarted)
            if dropped > 0 { machine.consumed(streamID: streamID, byteCount: dropped) }
            calls[streamID] = nil
        }
        failQueue(notStarted)
        if calls.isEmpty { end(notStarted) }
    }

    // MARK: Writing

    func scheduleFlush() {
        guard !isFlushScheduled, socket != nil else { return }
        isFlushScheduled = true
        loop.atEndOfTurn(self)
    }

    private func flush() {
        isFlushScheduled = false
        sendQueuedCalls()
        guard let descriptor = socket?.rawValue else { return }
        let stream = SocketStream(descriptor: descriptor, systemCalls: loop.systemCalls)
        var budget = Self.writeBudgetByteCount
        while true {
            if output.isEmpty, !takeBatch() { break }
            guard budget > 0 else {
                setWantsWritable(true)
                return
            }
            switch output.write(to: stream) {
            case .finished(let byteCount): budget -= byteCount
            case .blocked:
                setWantsWritable(true)
                return
            case .failed:
                // What the server said before it went, for example GOAWAY, may still be unread.
                receive()
                end(Self.lost("the server closed the connection"))
                return
            }
        }
        setWantsWritable(false)
    }

    private func takeBatch() -> Bool {
        guard machine.hasOutbound else { return false }
        let batch = machine.takeBatch()
        for segment in batch.segments {
            switch segment {
            case .inline(let range):
                output.append(batch.inline.slice(range))
            case .payload(.bytes(let bytes)):
                output.append(bytes)
            case .payload(.file):
                assertionFailure("a client sends no files")
            }
        }
        for streamID in batch.drainedStreams { calls[streamID]?.resumeWriter() }
        return !batch.isEmpty
    }

    private func setWantsWritable(_ wanted: Bool) {
        guard wanted != wantsWritable, let registration else { return }
        wantsWritable = wanted
        let interest: ReadinessSet = [.readable, .peerClosed]
        registration.setInterest(wanted ? interest.union(.writable) : interest)
    }
}
