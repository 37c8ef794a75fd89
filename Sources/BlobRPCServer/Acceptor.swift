internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// One listening socket and its accept loop.
///
/// `@unchecked Sendable`: `acceptLoop` is touched on the loop's thread only.
final class Acceptor: @unchecked Sendable {
    let configuration: ListenerConfiguration
    private let listener: UnixListener
    private let loop: EventLoop
    private var acceptLoop: AcceptLoop?

    init(
        configuration: ListenerConfiguration, loop: EventLoop, systemCalls: SystemCalls
    ) throws(BlobError) {
        self.configuration = configuration
        self.loop = loop
        if let inherited = configuration.inherited {
            listener = UnixListener(inherited, systemCalls: systemCalls)
            return
        }
        do {
            listener = try UnixListener.bind(
                path: configuration.path, mode: configuration.mode,
                backlog: configuration.backlog, systemCalls: systemCalls)
        } catch {
            let code: BlobError.Code =
                switch error {
                case .pathInUse: .conflict
                case .system: .inputOutput
                default: .invalidArgument
                }
            throw BlobError(code, "cannot listen at \(configuration.path): \(error)")
        }
    }

    func start(_ handler: @escaping @Sendable (consuming AcceptLoop.Event) -> Void) {
        loop.execute { [self] in
            do throws(SystemError) {
                acceptLoop = try AcceptLoop(loop: loop, listener: listener, handler: handler)
            } catch {
                handler(.failed(error))
            }
        }
    }

    /// Leaves clients waiting in the backlog for so long. For the acceptor's loop.
    func pause(for duration: Duration) { acceptLoop?.pause(for: duration) }

    /// Stops accepting and removes the path.
    func stop() {
        _ = listener.removePath()
        loop.execute { [self] in
            acceptLoop?.cancel()
            acceptLoop = nil
            listener.stopListening()
        }
    }
}
