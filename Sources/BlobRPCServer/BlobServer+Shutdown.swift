internal import BlobCore
internal import LinuxIO

extension BlobServer {
    /// How long handlers may take to end once their calls were cancelled. What they have begun
    /// elsewhere, such as an upload to a cloud store, they give up in this time.
    private static let handlerEndTimeout = Duration.seconds(5)

    /// Stops accepting, sends GOAWAY and waits for running calls to end, at most `drainTimeout`
    /// (protocol.md, rule W-56); then cancels them and waits for their handlers. Removes the
    /// sockets. Idempotent. Cancelling the task cancels the calls at once.
    public func shutdown() async {
        let sessions = stopAccepting()
        for session in sessions { await session.drain(timeout: configuration.drainTimeout) }
        endWaiting(after: configuration.drainTimeout + Self.handlerEndTimeout)
        await withTaskCancellationHandler {
            await waitForSessions()
        } onCancel: {
            for session in sessions {
                session.loop.execute { session.assumeIsolated { $0.close() } }
            }
            endWaiting(after: Self.handlerEndTimeout)
        }
        for loop in loops { loop.shutdown() }
    }

    private func endWaiting(after delay: Duration) {
        guard let loop = loops.first else { return }
        loop.execute { [self] in
            _ = loop.schedule(after: delay) { self.endWaiting() }
        }
    }
}
