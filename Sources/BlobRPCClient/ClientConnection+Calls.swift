internal import BlobCore
internal import BlobWire
internal import LinuxIO

/// A call that the server does not take yet.
struct QueuedCall {
    let call: PendingCall
    let payload: Bytes
    let body: RequestBodyForm
}

extension ClientConnection {
    typealias Answer = CheckedContinuation<Result<BlobResponse, BlobError>, Never>

    /// Makes a call and waits for its response; the body of the response follows in the call's
    /// `responseBody`.
    ///
    /// - Parameter body: What follows the request. Send it with `send` while this waits.
    func perform(
        _ handle: CallHandle, payload: Bytes, body: RequestBodyForm, timeout: Duration?
    ) async throws(BlobError) -> BlobResponse {
        let call = handle.call
        if let refusal = refusal(of: payload) {
            // Also wakes whoever sends the body.
            _ = call.fail(refusal)
            throw refusal
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (answer: Answer) in
                call.wait(answer)
                start(handle, payload: payload, body: body, timeout: timeout)
            }
        } onCancel: {
            cancel(handle)
        }
        return try result.get()
    }

    /// Why a call cannot even be queued.
    private func refusal(of payload: Bytes) -> BlobError? {
        if let ended { return Self.notStarted(ended) }
        if payload.count > machine.maximumHeaderByteCount {
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
        // The task may have been cancelled before there was anything to cancel.
        if Task.isCancelled { _ = call.fail(.cancelled) }
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
        if queue.isEmpty, machine.canOpenStream {
            send(queued)
        } else {
            queue.append(queued)
        }
        scheduleFlush()
    }

    private func send(_ queued: QueuedCall) {
        let streamID = machine.openStream(payload: queued.payload, body: queued.body)
        queued.call.streamID = streamID
        calls[streamID] = queued.call
        queued.call.resumeWriter()
    }

    func sendQueuedCalls() {
        guard !queue.isEmpty, machine.canOpenStream else { return }
        var sentCount = 0
        while sentCount < queue.count, machine.canOpenStream {
            let queued = queue[sentCount]
            sentCount += 1
            if queued.call.failure == nil { send(queued) }
        }
        queue.removeFirst(sentCount)
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
            machine.sendData(streamID: call.streamID, payload: bytes)
        else { return false }
        scheduleFlush()
        while call.takesBody, !machine.hasRoom(streamID: call.streamID) {
            await call.waitForRoom()
        }
        return call.takesBody
    }

    /// The request's body is whole.
    func finishBody(of handle: CallHandle) async {
        let call = handle.call
        guard await isSent(call) else { return }
        machine.endData(streamID: call.streamID)
        scheduleFlush()
    }

    /// Waits until the request has gone out.
    private func isSent(_ call: PendingCall) async -> Bool {
        while call.streamID == 0, call.takesBody { await call.waitForRoom() }
        return call.takesBody
    }

    // MARK: Ending

    /// Cancels a call from any thread.
    nonisolated func cancel(_ handle: CallHandle) {
        giveUp(handle, .cancelled)
    }

    /// Gives a call up from any thread: the server is told to stop and the caller gets `error`.
    nonisolated func giveUp(_ handle: CallHandle, _ error: BlobError) {
        let giveUp: @Sendable () -> Void = {
            self.assumeIsolated { connection in
                connection.giveUp(handle.call, error)
            }
        }
        if loop.isCurrent { giveUp() } else { loop.execute(giveUp) }
    }

    func giveUp(_ call: PendingCall, _ error: BlobError) {
        guard call.failure == nil else { return }
        let dropped = call.fail(error)
        clearDeadline(of: call)
        guard call.streamID != 0 else { return }
        if dropped > 0 { machine.consumed(streamID: call.streamID, byteCount: dropped) }
        guard calls[call.streamID] === call else { return }
        calls[call.streamID] = nil
        // W-25: the slot is free once the server has confirmed.
        machine.resetStream(streamID: call.streamID, code: error.code)
        scheduleFlush()
    }

    func callEnded(streamID: UInt32, with error: BlobError) {
        guard let call = calls.removeValue(forKey: streamID) else { return }
        clearDeadline(of: call)
        let dropped = call.fail(error)
        if dropped > 0 { machine.consumed(streamID: streamID, byteCount: dropped) }
        endIfDrained()
    }

    private func clearDeadline(of call: PendingCall) {
        guard let deadline = call.deadline else { return }
        call.deadline = nil
        loop.cancel(deadline)
    }

    private func endIfDrained() {
        guard isGoingAway, calls.isEmpty else { return }
        end(BlobError(.shuttingDown, "the server is shutting down"))
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
            _ = call.responseBody.append(Bytes(), isLast: true)
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
            if dropped > 0 { machine.consumed(streamID: streamID, byteCount: dropped) }
        } else {
            _ = call.responseBody.append(Bytes(), isLast: true)
        }
        endIfDrained()
    }

    /// The consumer took bytes of a response.
    func consumed(_ byteCount: Int, of stream: StreamReference) {
        machine.consumed(streamID: stream.streamID, byteCount: byteCount)
        scheduleFlush()
    }
}
