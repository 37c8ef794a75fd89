internal import LinuxIO
internal import Synchronization

/// Names a call to code that is not on the connection's actor.
///
/// `@unchecked Sendable`: the call is made here, before anybody else knows it, and touched on the
/// connection's event loop only from then on, which debug builds check on every access.
final class CallHandle: @unchecked Sendable {
    private let loop: EventLoop
    private let pending: PendingCall

    init(loop: EventLoop, _ call: sending PendingCall) {
        self.loop = loop
        pending = call
    }

    /// The call.
    var call: PendingCall {
        loop.preconditionIsCurrent()
        return pending
    }
}

/// The stream of a call, for whoever consumes the response: zero until the call was sent.
final class StreamReference: Sendable {
    private let value = Atomic<UInt32>(0)

    var streamID: UInt32 {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }
}
