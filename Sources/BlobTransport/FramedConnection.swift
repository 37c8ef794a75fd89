internal import BlobCore
package import BlobWire
package import LinuxIO

/// One connected socket that carries frames: reads them in, writes batches out, keeps the interest of
/// the loop. Both ends use it; what the frames mean is theirs.
///
/// It never waits and it starts nothing. Its owner is an actor on the loop and its only holder; every
/// method is for the loop's thread.
package final class FramedConnection {
    /// The rules of the connection.
    package var machine: ConnectionMachine

    private let loop: EventLoop
    private let writeBudgetByteCount: Int
    private var socket: OwnedDescriptor?
    private var registration: Registration?
    private var receiver: FrameReceiver
    private var output = SocketOutput()
    private var isFlushScheduled = false
    private var wantsWritable = false
    private var isReading = true

    /// A connection that nobody watches yet.
    ///
    /// - Parameter writeBudgetByteCount: What is written before the others get their turn.
    package init(
        socket: consuming OwnedDescriptor, role: ConnectionRole, limits: ConnectionLimits,
        hello: HelloFrame, writeBudgetByteCount: Int, loop: EventLoop
    ) {
        self.loop = loop
        self.writeBudgetByteCount = writeBudgetByteCount
        self.socket = consume socket
        receiver = FrameReceiver(limits: limits.frames, expectsPreface: role == .server)
        machine = ConnectionMachine(role: role, limits: limits, hello: hello)
    }

    /// Whether the socket is still there.
    package var isOpen: Bool { socket != nil }

    /// Whether a frame has begun and not ended (rule W-52).
    package var hasPartialFrame: Bool { receiver.hasPartialFrame }

    /// Frames received so far.
    package var receivedFrameCount: UInt64 { receiver.frameCount }

    /// Whether everything handed out so far is in the kernel.
    package var isOutputEmpty: Bool { output.isEmpty }

    /// Tells `handler` about the socket from now on.
    package func watch(_ handler: any ReadinessHandler) throws(SystemError) {
        guard let socket = socket?.rawValue else { return }
        registration = try loop.register(
            descriptor: socket, interest: [.readable, .peerClosed], handler: handler)
    }

    /// Closes the socket and drops what was not written. Idempotent.
    package func close() {
        registration?.cancel()
        registration = nil
        socket = nil
        output = SocketOutput()
    }

    // MARK: Reading

    /// What one read brought.
    package enum Received {
        /// So many bytes; `isDrained` when the socket has no more for now.
        case bytes(Int, isDrained: Bool)
        /// Nothing to read, or closed here.
        case nothing
        /// The peer sent descriptors, which nobody agreed on (rule W-16).
        case descriptors
        case endOfStream
        case failed(SystemError)
    }

    /// Reads once.
    package func receive() -> Received {
        guard let descriptor = socket?.rawValue else { return .nothing }
        let stream = SocketStream(descriptor: descriptor, systemCalls: loop.systemCalls)
        var capacity = 0
        var result: ReceiveResult?
        let byteCount = receiver.receive { first, second in
            let received = stream.receive(into: first, second)
            result = received
            capacity = first.count + second.count
            guard case .transferred(let byteCount) = received.transfer else { return 0 }
            return byteCount
        }
        guard let result else { return .nothing }
        if result.unexpectedDescriptorCount > 0 || result.isControlTruncated {
            return .descriptors
        }
        switch result.transfer {
        // A short read has emptied the socket: asking again would only cost a call.
        case .transferred: return .bytes(byteCount, isDrained: byteCount < capacity)
        case .wouldBlock: return .nothing
        case .endOfStream: return .endOfStream
        case .failed(let error): return .failed(error)
        }
    }

    /// The next event among the bytes read; nil when more are needed.
    package func nextEvent(
        now: ContinuousClock.Instant
    ) throws(WireError) -> ConnectionEvent? {
        while let frame = try receiver.next() {
            if let event = try machine.receive(frame, now: now) { return event }
        }
        return nil
    }

    /// Reads nothing more: after a violation the peer is only told.
    package func stopReading() {
        isReading = false
        wantsWritable = true
        registration?.setInterest(.writable)
    }

    // MARK: Writing

    /// Has `handler` called at the end of the turn, once however often this is asked.
    package func scheduleFlush(_ handler: any EndOfTurnHandler) {
        guard !isFlushScheduled, socket != nil else { return }
        isFlushScheduled = true
        loop.atEndOfTurn(handler)
    }

    /// How a flush ended.
    package enum Flushed {
        /// Everything is in the kernel.
        case everything
        /// The others get their turn; the handler is told when to go on.
        case yielded
        /// The socket is full; the handler is told when it is not. `hasProgress` when some went out.
        case blocked(hasProgress: Bool)
        case failed
    }

    /// Writes what there is, until the socket is full or the budget is used up.
    ///
    /// - Parameters:
    ///   - drained: Streams whose queue has room again.
    ///   - batchWritten: Called each time all that was handed out is in the kernel.
    package func flush(
        drained: (UInt32) -> Void, batchWritten: () -> Void = {}
    ) -> Flushed {
        isFlushScheduled = false
        guard let descriptor = socket?.rawValue else { return .everything }
        let stream = SocketStream(descriptor: descriptor, systemCalls: loop.systemCalls)
        var budget = writeBudgetByteCount
        while takeBatch(drained) {
            guard budget > 0 else {
                setWantsWritable(true)
                return .yielded
            }
            switch output.write(to: stream) {
            case .finished(let byteCount):
                budget -= byteCount
                batchWritten()
            case .blocked(let byteCount):
                setWantsWritable(true)
                return .blocked(hasProgress: byteCount > 0)
            case .failed: return .failed
            }
        }
        setWantsWritable(false)
        return .everything
    }

    /// Whether there is something to write; takes the next batch when the last one is out.
    private func takeBatch(_ drained: (UInt32) -> Void) -> Bool {
        guard output.isEmpty, machine.hasOutbound else { return !output.isEmpty }
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
        for streamID in batch.drainedStreams { drained(streamID) }
        return !output.isEmpty
    }

    private func setWantsWritable(_ wanted: Bool) {
        guard wanted != wantsWritable, let registration else { return }
        wantsWritable = wanted
        let interest: ReadinessSet = isReading ? [.readable, .peerClosed] : []
        registration.setInterest(wanted ? interest.union(.writable) : interest)
    }
}
