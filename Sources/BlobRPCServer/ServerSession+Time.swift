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
        let isClosing = closeReason != nil
        if let error = watchdog.check(now: now, hasCalls: !calls.isEmpty, isClosing: isClosing) {
            // W-53: GOAWAY is not read either. Until then it may just not be written yet: a check can
            // be due in the turn that queued it.
            guard !isClosing else { return close() }
            fail(error)
        } else {
            endStalledCalls(now: now, timeout: timeouts.streamProgress)
        }
        scheduleWatchdog()
    }
}
