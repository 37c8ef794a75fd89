internal import LinuxIO

/// Names a call to code that is not on the connection's actor.
///
/// `@unchecked Sendable`: `call` is touched on the connection's event loop only, which debug builds
/// check on every access.
final class CallHandle: @unchecked Sendable {
    private let loop: EventLoop
    private var attached: PendingCall?

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// The call, once it was started.
    var call: PendingCall? {
        loop.preconditionIsCurrent()
        return attached
    }

    func attach(_ call: PendingCall) {
        loop.preconditionIsCurrent()
        attached = call
    }
}
