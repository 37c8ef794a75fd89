internal import BlobCore
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

    let environment: SessionEnvironment
    let peer: PeerCredentials
    let identifier: UInt64

    private(set) var socket: OwnedDescriptor?
    private var registration: Registration?
    private var receiver: FrameReceiver
    var machine: ConnectionMachine
    private var output = SocketOutput()
    private var isFlushScheduled = false
    private var wantsWritable = false

    var calls: [UInt32: Call] = [:]
    /// Calls that wait until the kernel has all their bytes.
    var callsToBeWritten: [Call] = []
    var watchdog: SessionWatchdog
    var closeReason: WireError?
    private var isDraining = false

    /// Bytes read from one connection before the others get their turn.
    private static let readBudgetByteCount = 1 << 20
    /// Bytes written to one connection before the others get their turn.
    private static let writeBudgetByteCount = 1 << 20

    init(
        socket: consuming OwnedDescriptor, peer: PeerCredentials, identifier: UInt64,
        loop: EventLoop, environment: SessionEnvironment
    ) {
        self.loop = loop
        self.environment = environment
        self.peer = peer
        self.identifier = identifier
        self.socket = consume socket
        let limits = environment.listener.limits
        receiver = FrameReceiver(limits: limits.frames, expectsPreface: true)
        machine = ConnectionMachine(
            role: .server, limits: limits, hello: environment.makeHello())
        watchdog = SessionWatchdog(timeouts: environment.listener.timeouts)
    }

    /// Begins to serve; on the loop's thread.
    func start() {
        guard let descriptor = socket?.rawValue else { return }
        do {
            registration = try loop.register(
                descriptor: descriptor, interest: [.readable, .peerClosed], handler: self)
        } catch {
            environment.logger.error(
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
        guard let descriptor = socket?.rawValue, closeReason == nil else { return }
        var budget = Self.readBudgetByteCount
        while budget > 0, socket != nil, closeReason == nil {
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
            // W-16
            if let result, result.unexpectedDescriptorCount > 0 || result.isControlTruncated {
                fail(WireError(.descriptorViolation, "descriptors were not agreed on (W-16)"))
                return
            }
            switch result?.transfer {
            case .transferred:
                budget -= received
                watchdog.noteReceived(now: loop.now())
                takeFrames()
                // A short read has emptied the socket: asking again would only cost a call.
                if wasShort { budget = 0 }
            case .wouldBlock, nil: budget = 0
            case .endOfStream:
                close()
                return
            case .failed(let error):
                environment.logger.debug(
                    "connection broke", metadata: ["error": "\(error)"])
                close()
                return
            }
        }
        watchdog.notePartialFrame(receiver.hasPartialFrame, now: loop.now())
        scheduleWatchdog()
        scheduleFlush()
    }

    private func takeFrames() {
        let now = loop.now()
        do throws(WireError) {
            while let frame = try receiver.next() {
                if let event = try machine.receive(frame, now: now) { try handle(event, now: now) }
            }
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
            environment.handshakeEnded(identifier)
        case .request(let streamID, let payload, let body):
            watchdog.noteCall(now: now)
            try begin(streamID: streamID, payload: payload, body: body, now: now)
        case .data(let streamID, let payload, _, let isLast):
            let dropped =
                calls[streamID]?.body?.append(payload, isLast: isLast) ?? payload.count
            if dropped > 0 { machine.consumed(streamID: streamID, byteCount: dropped) }
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
        guard !isFlushScheduled, socket != nil else { return }
        isFlushScheduled = true
        loop.atEndOfTurn(self)
    }

    /// Writes what there is to write, until the socket is full or the others want their turn.
    private func flush() {
        isFlushScheduled = false
        guard let descriptor = socket?.rawValue else { return }
        let stream = SocketStream(descriptor: descriptor, systemCalls: loop.systemCalls)
        var budget = Self.writeBudgetByteCount
        while true {
            if output.isEmpty, !takeBatch() { break }
            if budget <= 0 {
                setWantsWritable(true)
                return
            }
            switch output.write(to: stream) {
            case .finished(let byteCount):
                budget -= byteCount
                watchdog.noteWritten(now: loop.now())
                resumeWrittenCalls()
            case .blocked(let byteCount):
                if byteCount > 0 { watchdog.noteWritten(now: loop.now()) }
                watchdog.noteBlocked(now: loop.now())
                setWantsWritable(true)
                scheduleWatchdog()
                return
            case .failed:
                close()
                return
            }
        }
        watchdog.noteUnblocked()
        setWantsWritable(false)
        if closeReason != nil || (isDraining && calls.isEmpty) { close() }
    }

    private func takeBatch() -> Bool {
        guard machine.hasOutbound else { return false }
        let batch = machine.takeBatch()
        for segment in batch.segments {
            switch segment {
            case .inline(let range): output.append(batch.inline.slice(range))
            case .payload(.bytes(let bytes)): output.append(bytes)
            case .payload(.file(let region)):
                output.append(
                    file: region.descriptor, offset: region.offset, byteCount: region.byteCount,
                    owner: region.owner)
            }
        }
        for streamID in batch.drainedStreams { calls[streamID]?.resumeWriter() }
        return !batch.isEmpty
    }

    /// Calls that wait until all their bytes are in the kernel, once a batch is.
    private func resumeWrittenCalls() {
        guard !callsToBeWritten.isEmpty else { return }
        callsToBeWritten.removeAll { call in
            guard machine.isQueueEmpty(streamID: call.streamID) else { return !call.isWanted }
            call.isWritten = true
            call.resumeWriter()
            return true
        }
    }

    /// Whether all frames handed out so far are in the kernel.
    var isOutputEmpty: Bool { output.isEmpty }

    private func setWantsWritable(_ wanted: Bool) {
        guard wanted != wantsWritable, let registration else { return }
        wantsWritable = wanted
        // After a violation nothing more is read: watching for it would spin.
        let interest: ReadinessSet = closeReason == nil ? [.readable, .peerClosed] : []
        registration.setInterest(wanted ? interest.union(.writable) : interest)
    }

    // MARK: Ending

    /// Takes no new calls; ends when the running ones have, or after the grace period.
    func drain(timeout: Duration) {
        guard !isDraining, socket != nil else { return }
        isDraining = true
        machine.goAway(code: .shuttingDown, grace: timeout)
        loop.schedule(after: timeout) { [self] in assumeIsolated { $0.close() } }
        scheduleFlush()
    }

    /// The peer broke a rule: GOAWAY says which, then the connection ends.
    func fail(_ error: WireError) {
        guard closeReason == nil else { return }
        closeReason = error
        environment.metrics.add(to: "connections.closed.\(error.code)")
        environment.logger.info(
            "closing a connection",
            metadata: [
                "rpc.reason": "\(error.code): \(error.reason)", "peer.uid": "\(peer.userID)",
            ])
        endAllCalls()
        machine.close(for: error)
        registration?.setInterest(.writable)
        wantsWritable = true
        scheduleFlush()
    }

    /// Ends the connection and all calls on it at once. Idempotent.
    func close() {
        guard socket != nil else { return }
        registration?.cancel()
        registration = nil
        socket = nil
        endAllCalls()
        output = SocketOutput()
        environment.sessionEnded(identifier)
    }

    private func endAllCalls() {
        let error = BlobError(.connectionLost, "the connection ended", origin: .protocol)
        for streamID in calls.keys { end(streamID: streamID, with: error) }
    }
}
