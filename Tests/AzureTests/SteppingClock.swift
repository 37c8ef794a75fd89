import BlobCore
import Synchronization

@testable import CloudBackends

/// A wall clock that is a second further whenever somebody looks.
final class SteppingClock: Sendable {
    private let stepCount = Mutex<Int64>(0)

    var clock: WallClock {
        let start = WallClock.system.now().milliseconds
        return WallClock {
            self.stepCount.withLock { count in
                count += 1
                return Timestamp(milliseconds: start + count * 1000)
            }
        }
    }
}
