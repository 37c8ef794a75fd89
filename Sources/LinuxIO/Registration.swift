internal import CLinuxShims
internal import Glibc

/// A descriptor's place in the epoll set of a loop. For the loop thread only.
///
/// The loop keeps the registration, and the registration its handler, until ``cancel()``: cancel
/// before the descriptor is closed.
public final class Registration {
    /// The registered descriptor; not owned.
    public let descriptor: Int32

    /// What the handler is told about. `hangup` and `error` come with any interest.
    public private(set) var interest: ReadinessSet

    /// Whether the registration has ended, by ``cancel()`` or because the loop shut down.
    public private(set) var isCancelled = false

    let token: UInt64
    private let loop: EventLoop
    private var handler: (any ReadinessHandler)?

    fileprivate init(
        descriptor: Int32, interest: ReadinessSet, handler: any ReadinessHandler, token: UInt64,
        loop: EventLoop
    ) {
        self.descriptor = descriptor
        self.interest = interest
        self.handler = handler
        self.token = token
        self.loop = loop
    }

    /// Replaces the interest. No system call if nothing changes.
    ///
    /// With an empty interest the descriptor leaves the epoll set, because epoll would go on
    /// reporting a hangup that nobody asked about, turn after turn. Should the kernel have no
    /// memory to put it back, the handler is told `error`.
    public func setInterest(_ newInterest: ReadinessSet) {
        guard !isCancelled else { return }
        let core = loop.onLoop
        let oldInterest = interest
        guard newInterest != oldInterest else { return }
        interest = newInterest
        let epoll = core.epoll.rawValue
        let result =
            if newInterest.isEmpty {
                clinux_epoll_remove(epoll, descriptor)
            } else if oldInterest.isEmpty {
                clinux_epoll_add(epoll, descriptor, newInterest.rawValue, token)
            } else {
                clinux_epoll_modify(epoll, descriptor, newInterest.rawValue, token)
            }
        if result == 0 { return }
        precondition(
            result == -ENOMEM || result == -ENOSPC,
            "descriptor \(descriptor) was closed before its registration was cancelled")
        // Next turn, not now: the handler must not be called from inside its own call.
        _ = core.timers.insert(deadline: 0) { [self] in
            if !isCancelled { handler?.ready(.error) }
        }
    }

    /// Ends the registration; idempotent. The handler is not called again, not even for events
    /// that this turn has already fetched.
    ///
    /// - Parameter mayBeClosed: Whether the descriptor may be closed already, as those of a library can
    ///   be that tells late; the kernel has dropped it then.
    public func cancel(mayBeClosed: Bool = false) {
        guard !isCancelled else { return }
        let core = loop.onLoop
        isCancelled = true
        core.registrations.remove(token: token)
        leave(epoll: core.epoll.rawValue, mayBeClosed: mayBeClosed)
        handler = nil
    }

    /// The end of the loop; the table has forgotten the registration already.
    func abandon(epoll: Int32) {
        guard !isCancelled else { return }
        isCancelled = true
        leave(epoll: epoll, mayBeClosed: false)
        handler = nil
    }

    func deliver(_ readiness: ReadinessSet) {
        // The interest may have shrunk since the kernel was asked.
        let wanted = interest.isEmpty ? [] : interest.union([.error, .hangup])
        let readiness = readiness.intersection(wanted)
        if !readiness.isEmpty { handler?.ready(readiness) }
    }

    private func leave(epoll: Int32, mayBeClosed: Bool) {
        guard !interest.isEmpty else { return }
        let result = clinux_epoll_remove(epoll, descriptor)
        assert(
            result == 0 || mayBeClosed,
            "descriptor \(descriptor) was closed before its registration ended")
    }
}

extension EventLoop {
    /// Watches a descriptor, level-triggered: a readiness not acted upon is reported again. Loop
    /// thread only.
    ///
    /// The descriptor stays its owner's, who cancels the registration before closing it.
    public func register(
        descriptor: Int32, interest: ReadinessSet, handler: any ReadinessHandler
    ) throws(SystemError) -> Registration {
        let core = onLoop
        let token = core.registrations.reserve()
        if !interest.isEmpty {
            let events = interest.rawValue
            let result = clinux_epoll_add(core.epoll.rawValue, descriptor, events, token)
            try checked(result, "epoll_ctl")
        }
        let registration = Registration(
            descriptor: descriptor, interest: interest, handler: handler, token: token, loop: self)
        core.registrations.insert(registration)
        return registration
    }
}
