internal import CCurlShims
internal import LinuxIO

/// CURL_SOCKET_TIMEOUT, which Swift does not see: no socket, but the timer.
let curlSocketTimeout: Int32 = -1

extension HTTPExchange {
    static func of(_ transfer: UnsafeMutablePointer<ccurl_transfer>) -> HTTPExchange? {
        of(transfer.pointee.context)
    }

    /// The core keeps every exchange whose transfer names it.
    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> HTTPExchange? {
        guard let context else { return nil }
        return Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    }
}

extension HTTPEngineCore {
    /// What libcurl's callbacks ask. None of them calls libcurl back, and none resumes foreign code
    /// on this stack: continuations only queue their jobs.
    static let handlers = ccurl_handlers(
        need_piece: { context in
            HTTPExchange.of(context)?.makePiece() == true ? 0 : -1
        },
        head_complete: { context in
            HTTPExchange.of(context)?.acceptHead() == true ? 0 : -1
        },
        read_body: { context, target, capacity in
            guard let feed = HTTPExchange.of(context)?.feed else {
                return Int64(CCURL_READ_ABORT)
            }
            switch feed.read(
                into: UnsafeMutableRawBufferPointer(start: target, count: capacity))
            {
            case .bytes(let count): return Int64(count)
            case .starved: return Int64(CCURL_READ_PAUSE)
            case .failed: return Int64(CCURL_READ_ABORT)
            }
        },
        rewind_body: { context in
            HTTPExchange.of(context)?.feed?.rewind() == true ? 0 : -1
        },
        watch_socket: { context, socket, what in
            Unmanaged<HTTPEngineCore>.fromOpaque(context).takeUnretainedValue()
                .watch(socket, what)
        },
        set_timer: { context, milliseconds in
            Unmanaged<HTTPEngineCore>.fromOpaque(context).takeUnretainedValue()
                .setTimer(milliseconds)
        })

    private func watch(_ socket: Int32, _ what: Int32) {
        let interest: ReadinessSet
        switch what {
        case CURL_POLL_IN: interest = .readable
        case CURL_POLL_OUT: interest = .writable
        case CURL_POLL_INOUT: interest = [.readable, .writable]
        default:
            sockets.removeValue(forKey: socket)?.stop()
            return
        }
        if let watch = sockets[socket] {
            watch.setInterest(interest)
        } else if let watch = SocketWatch(socket, interest, core: self) {
            sockets[socket] = watch
        }
        // Without memory in the kernel the socket stays unwatched: the timeouts end its exchange.
    }

    private func setTimer(_ milliseconds: Int) {
        if let timer = curlTimer.take() { loop.cancel(timer) }
        if milliseconds == 0 {
            kick()
        } else if milliseconds > 0 {
            curlTimer = loop.schedule(after: .milliseconds(milliseconds)) { [self] in
                curlTimer = nil
                act(curlSocketTimeout, 0)
            }
        }
    }
}

/// A socket of libcurl's in the loop. libcurl says that it closes it before it does; version 7.88 says
/// it afterwards, in the same call, when the socket is not connected yet (`cf_socket_close`).
final class SocketWatch: ReadinessHandler {
    private let core: HTTPEngineCore
    private var registration: Registration?
    private let socket: Int32

    init?(_ socket: Int32, _ interest: ReadinessSet, core: HTTPEngineCore) {
        self.socket = socket
        self.core = core
        do {
            registration = try core.loop.register(
                descriptor: socket, interest: interest, handler: self)
        } catch {
            return nil
        }
    }

    func setInterest(_ interest: ReadinessSet) { registration?.setInterest(interest) }

    /// Breaks the cycle of handler and registration.
    func stop() { registration.take()?.cancel(mayBeClosed: true) }

    func ready(_ readiness: ReadinessSet) {
        var mask: Int32 = 0
        if !readiness.isDisjoint(with: [.readable, .hangup]) { mask |= Int32(CURL_CSELECT_IN) }
        if readiness.contains(.writable) { mask |= Int32(CURL_CSELECT_OUT) }
        if readiness.contains(.error) { mask |= Int32(CURL_CSELECT_ERR) }
        core.act(socket, mask)
    }
}
