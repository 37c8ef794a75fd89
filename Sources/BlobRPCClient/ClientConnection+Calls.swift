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

    /// Makes a call and waits for its response; the body of the response follows in `responseBody`.
    ///
    /// - Parameters:
    ///   - body: What follows the request. Send it with `send` while this waits.
    ///   - handle: Names the call for `send`, `finishBody` and `cancel`.
    func perform(
        _ operation: BlobOperation, payload: Bytes, body: RequestBodyForm, timeout: Duration?,
        responseBody: InboundBody, handle: CallHandle
    ) async throws(BlobError) -> BlobResponse {
        if let ended { throw Self.notStarted(ended) }
        guard payload.count <= machine.peer?.frames.maximumHeaderByteCount ?? 0 else {
            throw BlobError(.tooLarge, "the request exceeds the server's limit", origin: .client)
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (answer: Answer) in
                start(
                    PendingCall(
                        operation: operation, responseBody: responseBody, answer: answer),
                    payload: payload, body: body, timeout: timeout, handle: handle)
            }
        } onCancel: {
            cancel(handle)
        }
        return try result.get()
    }

    private func start(
        _ call: PendingCall, payload: Bytes, body: RequestBodyForm, timeout: Duration?,
        handle: CallHandle
    ) {
        handle.attach(call)
        // The task may have been cancelled before there was anything to cancel.
        if Task.isCancelled {
            _ = call.fail(.cancelled)
            return
        }
        if let timeout {
            call.deadline = loop.schedule(after: timeout) { [weak self] in
                self?.giveUp(
                    handle,
                    BlobError(
                        .deadlineExceeded, "no answer within \(timeout)", origin: .client))
            }
        }
        guard queue.count < configuration.maximumQueuedCallCount else {
            _ = call.fail(
                BlobError(.overloaded, "too many calls are waiting", origin: .client))
            return
        }
        if queue.isEmpty, machine.canOpenStream {
            send(QueuedCall(call: call, payload: payload, body: body))
        } else {
            queue.append(QueuedCall(call: call, payload: payload, body: body))
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

    /// Queues bytes of the request's body; waits while there is no room.
    ///
    /// - Returns: False when the server wants no more: the call has its answer or was given up.
    func send(_ bytes: Bytes, of handle: CallHandle) async -> Bool {
        guard let call = handle.call else { return false }
        while call.streamID == 0, call.failure == nil, !call.hasAnswer {
            await call.waitForRoom()
        }
        guard call.failure == nil, !call.hasAnswer else { return false }
        guard machine.sendData(streamID: call.streamID, payload: bytes) else { return false }
        scheduleFlush()
        while call.failure == nil, !call.hasAnswer, !machine.hasRoom(streamID: call.streamID) {
            await call.waitForRoom()
        }
        return call.failure == nil && !call.hasAnswer
    }

    /// The request's body is whole.
    func finishBody(of handle: CallHandle) async {
        guard let call = handle.call else { return }
        while call.streamID == 0, call.failure == nil, !call.hasAnswer {
            await call.waitForRoom()
        }
        guard call.failure == nil, !call.hasAnswer else { return }
        machine.endData(streamID: call.streamID)
        scheduleFlush()
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
                if let call = handle.call { connection.giveUp(call, error) }
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
    func consumed(_ byteCount: Int, of handle: CallHandle) {
        guard let call = handle.call else { return }
        machine.consumed(streamID: call.streamID, byteCount: byteCount)
        scheduleFlush()
    }
}
