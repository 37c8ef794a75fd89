internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO

/// A call that the server does not take yet.
struct QueuedCall {
    let call: PendingCall
    let payload: Bytes
    let body: RequestBodyForm
}

extension ClientConnection {
    /// The unsafe kind, to save an allocation a call: `PendingCall` forgets it before it resumes it.
    typealias Answer = UnsafeContinuation<Result<BlobResponse, BlobError>, Never>

    /// Makes a call and waits for its response; the body of the response follows in the call's
    /// `responseBody`.
    ///
    /// Runs where its caller runs and touches the loop once, to begin the call.
    ///
    /// - Parameter body: What follows the request. Send it with `send` while this waits.
    nonisolated func perform(
        _ handle: CallHandle, payload: Bytes, body: RequestBodyForm, timeout: Duration?
    ) async throws(BlobError) -> BlobResponse {
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { (answer: Answer) in
                onLoop { this in
                    handle.call.wait(answer)
                    this.start(handle, payload: payload, body: body, timeout: timeout)
                }
            }
        } onCancel: {
            cancel(handle)
        }
        return try result.get()
    }

    /// Why a call cannot even be queued.
    private func refusal(of payload: Bytes) -> BlobError? {
        if let ended { return Self.notStarted(ended) }
        // Retired since the caller chose it: queued here, the call would never be sent.
        if !isUsable { return Self.notStarted(Self.retired) }
        if payload.count > transport.machine.maximumHeaderByteCount {
            return BlobError(
                .tooLarge, "the request exceeds the server's limit", origin: .client)
        }
        if queue.count >= configuration.maximumQueuedCallCount {
            return BlobError(.overloaded, "too many calls are waiting", origin: .client)
        }
        return nil
    }

    private func start(
        _ handle: CallHandle, payload: Bytes, body: RequestBodyForm, timeout: Duration?
    ) {
        let call = handle.call
        // Also wakes whoever sends the body.
        if let refusal = refusal(of: payload) { _ = call.fail(refusal) }
        // The task may have been cancelled before there was anything to cancel.
        guard call.failure == nil else { return }
        if let timeout {
            call.deadline = loop.schedule(after: timeout) { [weak self] in
                self?.giveUp(
                    handle,
                    BlobError(
                        .deadlineExceeded, "no answer within \(timeout)", origin: .client))
            }
        }
        let queued = QueuedCall(call: call, payload: payload, body: body)
        if queue.isEmpty, transport.machine.canOpenStream {
            send(queued)
        } else {
            queue.append(queued)
        }
        scheduleFlush()
    }

    private func send(_ queued: QueuedCall) {
        let streamID = transport.machine.openStream(payload: queued.payload, body: queued.body)
        // W-28
        if transport.machine.isExhausted { retire() }
        queued.call.streamID = streamID
        calls[streamID] = queued.call
        queued.call.resumeWriter()
    }

    func sendQueuedCalls() {
        guard !queue.isEmpty, transport.machine.canOpenStream else { return }
        var sentCount = 0
        while sentCount < queue.count, transport.machine.canOpenStream {
            let queued = queue[sentCount]
            sentCount += 1
            if queued.call.failure == nil { send(queued) }
        }
        queue.removeFirst(sentCount)
        if !isUsable { failQueue(Self.retired) }
    }

    func failQueue(_ error: BlobError) {
        let waiting = queue
        queue.removeAll()
        for queued in waiting { _ = queued.call.fail(Self.notStarted(error)) }
    }

    /// The same error, saying that the call was never sent.
    static func notStarted(_ error: BlobError) -> BlobError {
        var copy = error
        copy.retry = .notStarted
        return copy
    }

    // MARK: Request bodies

    /// Queues bytes of the request's body; waits while the call is not sent or there is no room.
    ///
    /// - Returns: False when the server wants no more: the call has its answer or was given up.
    func send(_ bytes: Bytes, of handle: CallHandle) async -> Bool {
        let call = handle.call
        guard await isSent(call),
            transport.machine.sendData(streamID: call.streamID, payload: bytes)
        else { return false }
        scheduleFlush()
        while mustWaitForRoom(call) { await waitForRoom(call) }
        return call.takesBody
    }

    /// The request's body is whole.
    func finishBody(of handle: CallHandle) async {
        let call = handle.call
        guard await isSent(call) else { return }
        transport.machine.endData(streamID: call.streamID)
        scheduleFlush()
    }

    /// Waits until the request has gone out.
    private func isSent(_ call: PendingCall) async -> Bool {
        while mustWaitForRoom(call) { await waitForRoom(call) }
        return call.takesBody
    }

    /// Whether the sender of the body has to wait: for the request to go out, or for room.
    private func mustWaitForRoom(_ call: PendingCall) -> Bool {
        call.takesBody
            && (call.streamID == 0 || !transport.machine.hasRoom(streamID: call.streamID))
    }

    private func waitForRoom(_ call: PendingCall) async {
        await withUnsafeContinuation { waiter in
            // Asked again here: the runtime may run other work of this actor between the call of
            // `withUnsafeContinuation` and its closure.
            if mustWaitForRoom(call) { call.wait(toWrite: waiter) } else { waiter.resume() }
        }
    }

    // MARK: Ending

    /// Cancels a call from any thread.
    nonisolated func cancel(_ handle: CallHandle) {
        giveUp(handle, .cancelled)
    }

    /// Gives a call up from any thread: the server is told to stop and the caller gets `error`.
    nonisolated func giveUp(_ handle: CallHandle, _ error: BlobError) {
        onLoop { $0.giveUp(handle.call, error) }
    }

    /// Runs `body` on the loop: now, when the caller is there.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated ClientConnection) -> Void) {
        if loop.isCurrent {
            assumeIsolated(body)
        } else {
            loop.execute { self.assumeIsolated(body) }
        }
    }

    func giveUp(_ call: PendingCall, _ error: BlobError) {
        guard call.failure == nil else { return }
        let dropped = call.fail(error)
        clearDeadline(of: call)
        guard call.streamID != 0 else { return }
        if dropped > 0 { transport.machine.consumed(streamID: call.streamID, byteCount: dropped) }
        guard calls[call.streamID] === call else { return }
        calls[call.streamID] = nil
        // W-25: the slot is free once the server has confirmed.
        transport.machine.resetStream(streamID: call.streamID, code: error.code)
        scheduleFlush()
    }

    func callEnded(streamID: UInt32, with error: BlobError) {
        guard let call = calls.removeValue(forKey: streamID) else { return }
        clearDeadline(of: call)
        let dropped = call.fail(error)
        if dropped > 0 { transport.machine.consumed(streamID: streamID, byteCount: dropped) }
        endIfDrained()
    }

    private func clearDeadline(of call: PendingCall) {
        guard let deadline = call.deadline else { return }
        call.deadline = nil
        loop.cancel(deadline)
    }

    private func endIfDrained() {
        guard !isUsable, calls.isEmpty else { return }
        end(Self.retired)
    }

    // MARK: Answers

    func receiveResponse(
        streamID: UInt32, payload: Bytes, isLast: Bool
    ) throws(WireError) {
        guard let call = calls[streamID] else { return }
        let response = try BlobResponse(payload: payload, answering: call.operation)
        if isLast {
            calls[streamID] = nil
            clearDeadline(of: call)
            _ = call.responseBody?.append(Bytes(), isLast: true)
        }
        call.resume(response)
        if isLast { endIfDrained() }
    }

    /// W-24: only now does the consumer learn whether the body is whole.
    func receiveTrailer(streamID: UInt32, payload: Bytes) throws(WireError) {
        guard let call = calls.removeValue(forKey: streamID) else { return }
        clearDeadline(of: call)
        if let error = try BlobResponse.trailerError(payload: payload) {
            let dropped = call.fail(error)
            if dropped > 0 { transport.machine.consumed(streamID: streamID, byteCount: dropped) }
        } else {
            _ = call.responseBody?.append(Bytes(), isLast: true)
        }
        endIfDrained()
    }

    /// The consumer took bytes of a response.
    func consumed(_ byteCount: Int, of stream: StreamReference) {
        transport.machine.consumed(streamID: stream.streamID, byteCount: byteCount)
        scheduleFlush()
    }
}
