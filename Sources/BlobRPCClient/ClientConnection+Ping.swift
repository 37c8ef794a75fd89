internal import BlobCore
internal import BlobTransport
internal import BlobWire
internal import LinuxIO

extension ClientConnection {
    /// Sends a PING and waits for its PONG, at most for `timeout`.
    func ping(timeout: Duration? = nil) async throws(BlobError) {
        let echo = nextEcho
        nextEcho &+= 1
        let timer = timeout.map { timeout in
            loop.schedule(after: timeout) { [weak self] in
                let error = BlobError(
                    .deadlineExceeded, "no PONG within \(timeout)", origin: .client)
                self?.assumeIsolated { $0.endPing(echo, error) }
            }
        }
        let error = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CheckedContinuation<BlobError?, Never>) in
                if let ended {
                    waiter.resume(returning: ended)
                } else if Task.isCancelled {
                    // The handler below may have run before there was anybody to resume.
                    waiter.resume(returning: .cancelled)
                } else {
                    pings.append((echo, waiter))
                    transport.machine.ping(echo: echo)
                    scheduleFlush()
                }
            }
        } onCancel: {
            loop.execute { self.assumeIsolated { $0.endPing(echo, .cancelled) } }
        }
        if let timer { loop.cancel(timer) }
        if let error { throw error }
    }

    private func endPing(_ echo: UInt32, _ error: BlobError) {
        guard let index = pings.firstIndex(where: { $0.echo == echo }) else { return }
        pings.remove(at: index).waiter.resume(returning: error)
    }
}
