import Glibc

/// The durations of single calls.
struct Latencies {
    private var nanoseconds: [Int64] = []

    /// Room for `count` durations, so that none is measured while the array grows.
    init(reserving count: Int) {
        nanoseconds.reserveCapacity(count)
    }

    var count: Int { nanoseconds.count }

    mutating func append(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        nanoseconds.append(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func report() {
        let sorted = nanoseconds.sorted()
        guard let last = sorted.last else { return }
        Figures.report("p50_us", Double(sorted[sorted.count / 2]) / 1e3)
        Figures.report("p99_us", Double(sorted[sorted.count * 99 / 100]) / 1e3)
        Figures.report("max_us", Double(last) / 1e3)
    }
}

/// What the harness reads.
enum Figures {
    static func report(_ name: String, _ value: Double) {
        print(name, value)
    }

    static func report(byteCount: UInt64, in duration: Duration) {
        let gibibytes = Double(byteCount) / Double(1 << 30)
        report("gib_per_s", gibibytes / (duration / .seconds(1)))
        report("gib", gibibytes)
    }

    /// What all threads of this process have used; other programs disturb it far less than the
    /// time on the wall.
    static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// A figure that would mean nothing.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
}
