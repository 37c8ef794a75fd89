internal import BlobCore
internal import Synchronization

/// The time by the service's clock, as far as it has told.
final class ServiceClock: Sendable {
    /// A clock that is further off than this is refused (S3-17).
    private static let toleratedSkewMilliseconds: UInt64 = 5 * 60 * 1000

    private let clock: WallClock
    /// How far the service's clock is ahead of ours, in milliseconds (S3-17).
    private let offset = Atomic<Int64>(0)

    init(_ clock: WallClock) {
        self.clock = clock
    }

    var now: Timestamp {
        Timestamp(milliseconds: clock.now().milliseconds &+ offset.load(ordering: .relaxed))
    }

    /// Later signatures say what the service says the time is; false when it said nothing.
    func learn(_ serverTime: Timestamp?) -> Bool {
        guard let serverTime else { return false }
        offset.store(
            serverTime.milliseconds &- clock.now().milliseconds, ordering: .relaxed)
        return true
    }

    /// Whether a signature made at `time` may have been refused for that alone.
    static func isSkewed(_ time: Timestamp, serverTime: Timestamp?) -> Bool {
        guard let serverTime else { return false }
        let skew = serverTime.milliseconds &- time.milliseconds
        return skew.magnitude > toleratedSkewMilliseconds
    }
}
