/// The text of a progress bar as a function of bytes and time; draws nothing and owns no clock.
struct ProgressMeter {
    /// How often the text may change at most.
    static let redrawInterval: Duration = .milliseconds(100)
    /// The weight of the latest stretch in the shown rate, per second of its length.
    private static let smoothingPerSecond = 0.5

    /// The bytes to expect, when known.
    let totalByteCount: UInt64?

    private let start: Duration
    private var lastTime: Duration
    private var lastByteCount: UInt64 = 0
    private var bytesPerSecond: Double?

    /// Starts to measure at `start`, a time of any steady clock.
    init(totalByteCount: UInt64?, start: Duration) {
        self.totalByteCount = totalByteCount
        self.start = start
        lastTime = start
    }

    /// The text to draw at `now`, or nil when the last one is too young to be replaced.
    mutating func text(byteCount: UInt64, now: Duration, columnCount: Int) -> String? {
        let elapsed = now - lastTime
        guard elapsed >= Self.redrawInterval else { return nil }
        update(byteCount: byteCount, seconds: elapsed / .seconds(1))
        lastTime = now
        return String(describe(byteCount: byteCount, now: now).prefix(max(0, columnCount - 1)))
    }

    private mutating func update(byteCount: UInt64, seconds: Double) {
        let latest = Double(byteCount - min(lastByteCount, byteCount)) / seconds
        lastByteCount = byteCount
        guard let rate = bytesPerSecond else {
            bytesPerSecond = latest
            return
        }
        let weight = min(1, Self.smoothingPerSecond * seconds)
        bytesPerSecond = rate + (latest - rate) * weight
    }

    private func describe(byteCount: UInt64, now: Duration) -> String {
        var parts = [Formatting.size(byteCount)]
        if let totalByteCount {
            parts[0] += " of \(Formatting.size(totalByteCount))"
            parts.append(percentage(byteCount, of: totalByteCount))
        }
        // Beyond any machine's rate the conversion to an integer would trap.
        let rate = min(bytesPerSecond ?? 0, 1e18)
        parts.append("\(Formatting.size(UInt64(rate)))/s")
        if let totalByteCount, rate >= 1 {
            let remaining = Double(totalByteCount - min(byteCount, totalByteCount))
            let seconds = min((remaining / rate).rounded(.up), 359_999)
            parts.append("\(Formatting.clock(seconds: UInt64(seconds))) left")
        } else {
            let seconds = UInt64(max(0, (now - start).components.seconds))
            parts.append(Formatting.clock(seconds: seconds))
        }
        return parts.joined(separator: "  ")
    }

    private func percentage(_ byteCount: UInt64, of total: UInt64) -> String {
        guard total > 0 else { return "100 %" }
        return "\(Int(Double(min(byteCount, total)) / Double(total) * 100)) %"
    }
}
