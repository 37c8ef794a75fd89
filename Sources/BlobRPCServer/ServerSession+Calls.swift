internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO

extension ServerSession {
    /// Starts the handler of a call. It runs on this thread until it first has to wait, so a call
    /// that finds everything at hand is answered in the same turn.
    func begin(
        streamID: UInt32, payload: Bytes, body bodyForm: RequestBodyForm,
        now: ContinuousClock.Instant
    ) throws(WireError) {
        let store = listener.store
        let request: BlobRequest
        do throws(RequestRejection) {
            // W-100: elsewhere not even the fields of such a request are looked at.
            request = try BlobRequest(
                payload: payload, hasAdministration: store.policy.administersListeners)
        } catch {
            switch error {
            case .malformed(let error): throw error
            case .refused(let error):
                refuse(streamID: streamID, nil, error, now: now)
                return
            }
        }
        // W-96: a policy may have become narrower since the peer connected.
        guard store.policy.admits(peer) else {
            throw WireError(.unauthenticatedPeer, "this user may not use this socket any more")
        }
        let share: QuotaShare
        do throws(BlobError) {
            share = try listener.quota.begin(
                store.policy, byteCount: ListenerQuota.callByteCount(request, bodyForm, limits),
                now: now)
        } catch {
            refuse(streamID: streamID, request, error, now: now)
            return
        }
        let body = bodyForm == .follows ? makeBody(streamID: streamID) : nil
        let call = Call(
            streamID: streamID, request: request, body: body, bodyForm: bodyForm, store: store,
            share: share, startedAt: now)
        calls[streamID] = call
        setDeadline(of: call)
        // Unstructured: the session cancels it in `end`, and the call's slot is held until it ends.
        loop.startInline {
            call.task = Task.immediate(executorPreference: loop) { await self.run(call) }
        }
    }

    /// Answers a call that is not begun.
    private func refuse(
        streamID: UInt32, _ request: BlobRequest?, _ error: BlobError,
        now: ContinuousClock.Instant
    ) {
        if let request {
            listener.context.metrics.countCall(request.operation, error: error.code)
        }
        audit(request, AuditRecord.Outcome(status: error.code), since: now)
        respond(streamID: streamID, .failure(error), isLast: true)
    }

    private func makeBody(streamID: UInt32) -> InboundBody {
        InboundBody { [weak self, loop] byteCount in
            guard let session = self else { return }
            let grant: @Sendable () -> Void = {
                session.assumeIsolated { session in
                    session.transport.machine.consumed(streamID: streamID, byteCount: byteCount)
                    session.scheduleFlush()
                }
            }
            if loop.isCurrent { grant() } else { loop.execute(grant) }
        }
    }

    /// W-50: the limit covers everything from here on; a shorter one of the caller stands.
    private func setDeadline(of call: Call) {
        let limits = [call.request.timeout, call.store.policy.maximumTimeout].compactMap(\.self)
        guard let timeout = limits.min() else { return }
        let streamID = call.streamID
        call.deadline = loop.schedule(after: timeout) { [weak self] in
            self?.assumeIsolated { session in
                session.end(
                    streamID: streamID,
                    with: BlobError(
                        .deadlineExceeded, "the call did not end within \(timeout)"))
            }
        }
    }

    private func run(_ call: Call) async {
        let failure: BlobError?
        do throws(BlobError) {
            try await CallHandler(call: call, listener: listener).run(on: self)
            failure = nil
        } catch {
            failure = call.failure ?? error
        }
        finish(call, failure: failure)
    }

    /// The handler has ended: the answer goes out and the slot becomes free.
    private func finish(_ call: Call, failure: BlobError?) {
        if let deadline = call.deadline { loop.cancel(deadline) }
        // W-54: idling begins where the call ends.
        watchdog.noteCall(now: loop.now())
        if calls[call.streamID] === call { calls[call.streamID] = nil }
        let unread = call.body?.fail(BlobError.cancelled) ?? 0
        if unread > 0 { transport.machine.consumed(streamID: call.streamID, byteCount: unread) }
        call.share.end()
        listener.context.metrics.countCall(call.request.operation, error: failure?.code)
        audit(
            call.request,
            AuditRecord.Outcome(
                status: failure?.code, receivedByteCount: call.receivedByteCount,
                sentByteCount: call.sentByteCount),
            since: call.startedAt)
        if let failure {
            respond(streamID: call.streamID, .failure(failure), isLast: true)
        }
        scheduleFlush()
        endIfDone()
    }

    /// Ends a call from outside its handler: reset, deadline, stall or a lost connection. The slot
    /// stays taken until the handler has ended.
    func end(streamID: UInt32, with error: BlobError) {
        guard let call = calls[streamID], call.failure == nil else { return }
        call.failure = error
        call.task?.cancel()
        let unread = call.body?.fail(error) ?? 0
        if unread > 0 { transport.machine.consumed(streamID: streamID, byteCount: unread) }
        call.resumeWriter()
    }

    /// W-51: no byte of a body moved for too long while the handler waits for the peer.
    func endStalledCalls(now: ContinuousClock.Instant, timeout: Duration) {
        for call in calls.values {
            let since = [call.body?.waitingSince, call.writeWaitingSince].compactMap(\.self).min()
            guard let since, now - since >= timeout else { continue }
            end(
                streamID: call.streamID,
                with: BlobError(.stalled, "no byte moved for \(timeout) (W-51)"))
        }
    }

    func respond(streamID: UInt32, _ response: BlobResponse, isLast: Bool) {
        let payload: Bytes
        do {
            payload = try response.encodedPayload()
        } catch {
            respond(streamID: streamID, .failure(error), isLast: true)
            return
        }
        // W-12: the peer said how much it takes.
        guard payload.count <= transport.machine.peer?.frames.maximumHeaderByteCount ?? 0 else {
            respond(
                streamID: streamID,
                .failure(BlobError(.tooLarge, "the answer exceeds the peer's header limit")),
                isLast: true)
            return
        }
        transport.machine.sendResponse(streamID: streamID, payload: payload, isLast: isLast)
        scheduleFlush()
    }
}
