internal import Backends
internal import BlobCore
internal import BlobWire
internal import LinuxIO

extension ServerSession {
    /// Ends the body of a response, behind its data (rule W-24: only when it is verified).
    func sendTrailer(of call: Call) throws(BlobError) {
        try checkRunning(call)
        machine.sendTrailer(
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
        guard machine.sendData(streamID: call.streamID, payload: payload, offset: offset) else {
            throw BlobError.cancelled
        }
        scheduleFlush()
        if machine.hasRoom(streamID: call.streamID) { return true }
        await waitToWrite(call, untilWritten: false)
        try checkRunning(call)
        return !call.isStopped
    }

    /// Waits until the kernel has all bytes that were queued on the call.
    func waitUntilWritten(_ call: Call) async throws(BlobError) {
        call.isWritten = machine.isQueueEmpty(streamID: call.streamID) && isOutputEmpty
        while !call.isWritten, !call.isStopped {
            await waitToWrite(call, untilWritten: true)
            try checkRunning(call)
        }
    }

    private func waitToWrite(_ call: Call, untilWritten: Bool) async {
        guard call.failure == nil else { return }
        call.waitsUntilWritten = untilWritten
        call.writeWaitingSince = loop.now()
        await withCheckedContinuation { call.writeWaiter = $0 }
        call.waitsUntilWritten = false
    }

    /// Whether the call was ended from outside while its handler waited.
    func checkRunning(_ call: Call) throws(BlobError) {
        if let failure = call.failure { throw failure }
    }
}
