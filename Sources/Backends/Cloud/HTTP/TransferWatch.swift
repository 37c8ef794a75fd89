/// Decides when an exchange has waited too long. No clock inside: times are passed in, in
/// monotonic nanoseconds.
struct TransferWatch {
    /// What an exchange has done so far.
    struct Progress {
        var connectedAt: Int64?
        /// Bytes of the body that left the process, of how many.
        var sentByteCount: UInt64
        var bodyByteCount: UInt64
        /// When the last byte of the body was given to libcurl.
        var bodyReadAt: Int64
        var receivedByteCount: UInt64
        var hasResponse: Bool
        /// How long the transfer has waited for its consumer or its source, in all.
        var pausedNanoseconds: Int64
    }

    enum Verdict {
        case checkAgain(after: Int64)
        case fail(HTTPFailure)
    }

    private let firstByte: Int64
    private let stall: Int64?
    private let minimumByteRate: UInt64
    private let interval: Int64
    private var lastTime: Int64?
    private var lastByteCount: UInt64 = 0
    private var lastPaused: Int64 = 0
    private var wasSent = false
    private var slowTime: Int64 = 0

    init(timeouts: HTTPTimeouts) {
        firstByte = timeouts.firstByte.clampedNanoseconds
        stall = timeouts.stall?.clampedNanoseconds
        minimumByteRate = timeouts.minimumByteRate
        interval = min(stall ?? .max, 20_000_000_000) / 4 + 1
    }

    var firstCheck: Int64 { min(interval, firstByte) }

    mutating func check(_ progress: Progress, now: Int64) -> Verdict {
        let byteCount = progress.sentByteCount &+ progress.receivedByteCount
        defer {
            lastTime = now
            lastByteCount = byteCount
            lastPaused = progress.pausedNanoseconds
        }
        // libcurl itself limits the time to connect.
        guard let connectedAt = progress.connectedAt else { return .checkAgain(after: firstCheck) }
        let isSent = progress.sentByteCount >= progress.bodyByteCount
        if isSent, !progress.hasResponse {
            slowTime = 0
            // Between two checks the last bytes may have left at any moment, even long after libcurl
            // had them: rather too late than too early.
            let isLate = !wasSent && progress.bodyByteCount > 0 && lastTime != nil
            let start = isLate ? now : max(connectedAt, progress.bodyReadAt)
            wasSent = true
            return answerWait(since: start, now: now)
        }
        let start = max(connectedAt, lastTime ?? connectedAt)
        return stallWait(progress, byteCount: byteCount, since: start, now: now)
    }

    private var answerStart: Int64?

    private mutating func answerWait(since start: Int64, now: Int64) -> Verdict {
        let start = max(start, answerStart ?? start)
        answerStart = start
        let waited = now - start
        guard waited >= firstByte else { return .checkAgain(after: firstByte - waited) }
        return .fail(
            HTTPFailure(
                .firstByteTimeout, "the server did not begin to answer in time",
                mayHaveBeenSent: true))
    }

    private mutating func stallWait(
        _ progress: Progress, byteCount: UInt64, since start: Int64, now: Int64
    ) -> Verdict {
        guard let stall else { return .checkAgain(after: firstCheck) }
        let activeTime = max(0, now - start - (progress.pausedNanoseconds - lastPaused))
        let moved = byteCount > lastByteCount ? byteCount - lastByteCount : 0
        let expected = Double(minimumByteRate) * Double(activeTime) / 1_000_000_000
        // A replay begins to count from zero again: that is movement, too.
        let isSlow = byteCount >= lastByteCount && (moved == 0 || Double(moved) < expected)
        slowTime = isSlow ? slowTime + activeTime : 0
        if slowTime >= stall {
            return .fail(
                HTTPFailure(.stalled, "the transfer has come to a stop", mayHaveBeenSent: true))
        }
        // Never sooner: over a short while, a single byte would look like a good rate.
        return .checkAgain(after: interval)
    }
}

extension Duration {
    /// Clamped to what 64 bits hold; negative durations are zero.
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < Int64.max / 1_000_000_000 - 1 else { return .max }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
