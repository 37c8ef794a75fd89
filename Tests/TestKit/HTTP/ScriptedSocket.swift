internal import BlobCore
internal import Glibc
internal import LinuxIO

/// A non-blocking socket whose calls wait on its loop. Loop thread only.
final class ScriptedSocket: ReadinessHandler, @unchecked Sendable {
    // @unchecked: touched on the loop thread only, by the one task of its connection and `close`.
    private let descriptor: Int32
    private var registration: Registration?
    private var waiter: CheckedContinuation<Void, Never>?
    private(set) var isClosed = false
    /// Called when the socket takes no more bytes for now.
    var whenFull: @Sendable () -> Void = {}

    init(_ descriptor: Int32, on loop: EventLoop) throws {
        self.descriptor = descriptor
        registration = try loop.register(descriptor: descriptor, interest: [], handler: self)
    }

    func ready(_ readiness: ReadinessSet) {
        registration?.setInterest([])
        waiter.take()?.resume()
    }

    private func wait(for interest: ReadinessSet) async {
        await withCheckedContinuation { continuation in
            guard !isClosed, let registration else { return continuation.resume() }
            waiter = continuation
            registration.setInterest(interest)
        }
    }

    /// The next bytes; nil when there are no more or the connection is broken.
    func read() async -> [UInt8]? {
        while !isClosed {
            let (result, code, bytes) = withUnsafeTemporaryAllocation(
                byteCount: 256 << 10, alignment: 16
            ) { buffer in
                let result = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                return (result, errno, result > 0 ? Array(buffer[..<result]) : [])
            }
            if result > 0 { return bytes }
            if result == 0 || code != EAGAIN { return nil }
            await wait(for: .readable)
        }
        return nil
    }

    /// Whether all went out.
    func write(_ bytes: Bytes) async -> Bool {
        var rest = bytes
        while !rest.isEmpty, !isClosed {
            let (result, code) = rest.withUnsafeBytes { buffer in
                (
                    send(
                        descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL)),
                    errno
                )
            }
            if result >= 0 {
                rest = rest.dropFirst(result)
            } else if code == EAGAIN {
                whenFull()
                await wait(for: .writable)
            } else {
                return false
            }
        }
        return !isClosed
    }

    /// Waits until the client has closed, or the server does.
    func waitForEnd() async {
        while await read() != nil {}
    }

    func close(resetting: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        registration?.cancel()
        registration = nil
        if resetting {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(
                descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        Glibc.close(descriptor)
        waiter.take()?.resume()
    }
}
