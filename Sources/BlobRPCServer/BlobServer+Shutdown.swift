internal import BlobCore
internal import LinuxIO

extension BlobServer {
    /// How long handlers may take to end once their calls were cancelled. What they have begun
    /// elsewhere, such as an upload to a cloud store, they give up in this time.
    static let handlerEndTimeout = Duration.seconds(5)

    /// Stops accepting, sends GOAWAY and waits for running calls to end, at most `drainTimeout`
    /// (protocol.md, rule W-56); then cancels them and waits for their handlers. Removes the
    /// sockets, and waits as long for removals that are under way. Idempotent. Cancelling the task
    /// cancels the calls at once.
    public func shutdown() async {
        let drainTimeout = context.configuration.drainTimeout
        let (listeners, removals) = beginDraining()
        let sessions = listeners.flatMap { $0.stopAccepting() }
        for session in sessions { await session.drain(timeout: drainTimeout) }
        endWaiting(for: listeners, removals, after: drainTimeout + Self.handlerEndTimeout)
        await withTaskCancellationHandler {
            for listener in listeners { await listener.waitUntilEmpty() }
            for removal in removals { _ = await removal.value }
        } onCancel: {
            for session in sessions {
                session.loop.execute { session.assumeIsolated { $0.close() } }
            }
            endWaiting(for: listeners, removals, after: Self.handlerEndTimeout)
        }
        for loop in context.loops { loop.shutdown() }
    }

    /// Returns when every event loop has had a turn: while this does, the server serves.
    public func turnEveryLoop() async {
        for loop in context.loops {
            await withCheckedContinuation { waiter in loop.execute { waiter.resume() } }
        }
    }

    /// After `delay`, gives up waiting for sessions, and cancels what removals wait for.
    func endWaiting(
        for listeners: [ServedListener], _ removals: [Removal], after delay: Duration
    ) {
        guard let loop = context.loops.first else { return }
        loop.execute {
            _ = loop.schedule(after: delay) {
                for listener in listeners { listener.endWaiting() }
                for removal in removals { removal.cancel() }
            }
        }
    }
}
