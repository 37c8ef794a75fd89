internal import BlobTransport
internal import BlobWire
internal import LinuxIO

extension ServerSession {
    func scheduleWatchdog() {
        guard let delay = watchdog.nextCheck(hasCalls: !calls.isEmpty) else { return }
        loop.schedule(after: delay) { [weak self] in
            self?.assumeIsolated { $0.checkTime() }
        }
    }

    private func checkTime() {
        guard transport.isOpen else { return }
        let now = loop.now()
        if closeReason != nil {
            // GOAWAY could not be written: the peer does not read.
            close()
            return
        }
        if let error = watchdog.check(now: now, hasCalls: !calls.isEmpty) {
            fail(error)
        } else {
            endStalledCalls(now: now, timeout: environment.listener.timeouts.streamProgress)
        }
        scheduleWatchdog()
    }
}
