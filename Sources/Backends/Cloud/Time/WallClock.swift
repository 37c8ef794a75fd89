internal import BlobCore
internal import Glibc

/// Tells the time of day; a value, so that tests can give another.
struct WallClock: Sendable {
    let now: @Sendable () -> Timestamp

    /// The clock of the machine.
    static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
