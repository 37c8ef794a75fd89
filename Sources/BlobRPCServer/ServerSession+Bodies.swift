internal import Backends
internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO

extension ServerSession {
    /// Ends the body of a response, behind its data (rule W-24: only when it is verified).
    func sendTrailer(of call: Call) throws(BlobError) {
        try checkRunning(call)
        transport.machine.sendTrailer(
            streamID: call.streamID, payload: try BlobResponse.done.encodedPayload())
        scheduleFlush()
    }

    /// Queues bytes of a body, then waits until the stream's queue has room for more.
    ///
    /// - Returns: False when the client has asked for no more (rule W-26): what was sent is right, and
    ///   the trailer may say so.
    func send(
        _ payload: OutboundPayload, offset: UInt64?, of call: Call
    ) async throws(BlobError) -> Bool {
        try checkRunning(call)
        guard !call.isStopped else { return false }
        // W-95
        try await call.share.wait(payload.byteCount, on: loop)
        guard !call.isStopped else { return false }
        call.sentByteCount += UInt64(payload.byteCount)
        guard transport.machine.sendData(streamID: call.streamID, payload: payload, offset: offset)
        else {
            throw BlobError.cancelled
        }
        scheduleFlush()
        guard !transport.machine.hasRoom(streamID: call.streamID) else { return true }
        await waitForRoom(call)
        try checkRunning(call)
        return !call.isStopped
    }

    /// Waits until the kernel has all bytes that were queued on the call.
    func waitUntilWritten(_ call: Call) async throws(BlobError) {
        call.isWritten = false
        while !call.isStopped, !isWritten(call) {
            await waitForWrite(call)
            try checkRunning(call)
        }
    }

    // Both look again in the closure, where the waiter is noted: the runtime may run other work of
    // this actor between the call of `withUnsafeContinuation` and its closure. The unsafe kind saves
    // an allocation; `resumeWriter` forgets the waiter before it resumes it, so it does so once.

    private func waitForRoom(_ call: Call) async {
        await withUnsafeContinuation { waiter in
            guard call.isWanted, !transport.machine.hasRoom(streamID: call.streamID) else {
                waiter.resume()
                return
            }
            call.wait(waiter, since: loop.now())
        }
    }

    private func waitForWrite(_ call: Call) async {
        await withUnsafeContinuation { waiter in
            guard call.isWanted, !isWritten(call) else {
                waiter.resume()
                return
            }
            call.wait(waiter, since: loop.now())
            callsToBeWritten.append(call)
        }
    }

    private func isWritten(_ call: Call) -> Bool {
        call.isWritten
            || (transport.machine.isQueueEmpty(streamID: call.streamID) && transport.isOutputEmpty)
    }

    /// Whether the call was ended from outside while its handler waited.
    func checkRunning(_ call: Call) throws(BlobError) {
        if let failure = call.failure { throw failure }
    }
}
