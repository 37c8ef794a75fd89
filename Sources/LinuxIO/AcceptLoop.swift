internal import Glibc

/// Accepts the clients of a listener on an event loop. For the loop thread only.
///
/// When descriptors run out, accepting pauses for ``pauseDuration``: clients wait in the backlog,
/// those already connected are served on, and the pause keeps the level-triggered listener from
/// turning the loop into a busy one. Each descriptor that is freed meanwhile lets one in.
///
/// Once started it lives until ``cancel()``, a failure, or the end of the loop.
public final class AcceptLoop: ReadinessHandler {
    /// What the owner is told.
    public enum Event: ~Copyable {
        /// A client; take its descriptor.
        case connection(OwnedDescriptor)
        /// Accepting has paused, out of descriptors or memory.
        case paused(errorNumber: Int32)
        /// The listener is unusable; the accept loop has stopped.
        case failed(SystemError)
    }

    /// How long accepting pauses when descriptors run out.
    public let pauseDuration: Duration

    /// How many clients one readiness event may bring in, so that a rush of new clients does not
    /// keep the old ones waiting.
    public let acceptsPerTurnMax: Int

    private let loop: EventLoop
    private let listener: UnixListener
    private var handler: ((consuming Event) -> Void)?
    private var registration: Registration?
    private var resumeTimer: TimerToken?

    /// Starts accepting. The handler must not throw clients away silently: it owns them.
    public init(
        loop: EventLoop, listener: UnixListener, acceptsPerTurnMax: Int = 16,
        pauseDuration: Duration = .milliseconds(100),
        handler: @escaping (consuming Event) -> Void
    ) throws(SystemError) {
        precondition(acceptsPerTurnMax > 0)
        self.loop = loop
        self.listener = listener
        self.acceptsPerTurnMax = acceptsPerTurnMax
        self.pauseDuration = pauseDuration
        self.handler = handler
        registration = try loop.register(
            descriptor: listener.descriptor, interest: .readable, handler: self)
    }

    /// Whether clients are left waiting.
    public var isPaused: Bool { resumeTimer != nil }

    /// Stops accepting; idempotent. The listener stays open: clients wait in its backlog until it
    /// is released or told to stop listening.
    public func cancel() {
        loop.preconditionIsCurrent()
        if let resumeTimer = resumeTimer.take() { loop.cancel(resumeTimer) }
        registration.take()?.cancel()
        handler = nil
    }

    /// For the loop.
    public func ready(_ readiness: ReadinessSet) {
        for _ in 0..<acceptsPerTurnMax {
            // The handler may cancel us in the middle.
            guard let handler, !isPaused else { return }
            switch listener.accept() {
            case .connection(let descriptor):
                handler(.connection(descriptor))
            case .wouldBlock:
                // A listener that was told to stop says hangup for ever, yet accept goes on to
                // say EAGAIN: waiting for a client would be a busy loop.
                guard readiness.contains(.hangup) else { return }
                cancel()
                let error = SystemError(errorNumber: EINVAL, operation: "accept4")
                return handler(.failed(error))
            case .resourceExhausted(let errorNumber):
                pause(for: pauseDuration)
                return handler(.paused(errorNumber: errorNumber))
            case .failed(let error):
                cancel()
                return handler(.failed(error))
            }
        }
    }

    /// Accepts nobody for so long; clients wait in the backlog. A pause that is under way stays as it
    /// is.
    public func pause(for duration: Duration) {
        loop.preconditionIsCurrent()
        guard registration != nil, !isPaused else { return }
        registration?.setInterest([])
        resumeTimer = loop.schedule(after: duration) { [weak self] in
            self?.resumeTimer = nil
            self?.registration?.setInterest(.readable)
        }
    }
}
