internal import Glibc
internal import Synchronization

/// The descriptors that sockets that are not ``ListenerPolicy/isTrusted`` may have open, all
/// of them together: half of what the process may open. The other half is kept back for everybody
/// else, so that untrusted peers, however many sockets they have, keep no trusted one out.
final class DescriptorBudget: Sendable {
    /// What a connection holds.
    static let connectionDescriptorCount = 1
    /// What a call may hold while it waits for its peer: the directory of an upload, its record and a
    /// part; others hold less.
    static let callDescriptorCount = 3

    private let limit: Int
    private let taken = Mutex(0)

    /// Takes the limit of the process as it is now (RLIMIT_NOFILE).
    init() {
        let openMaximum = sysconf(Int32(_SC_OPEN_MAX))
        limit = openMaximum > 0 ? openMaximum / 2 : .max
    }

    /// Counts descriptors before they are opened.
    ///
    /// - Returns: False, and nothing is counted, when there would be too many.
    func take(_ count: Int) -> Bool {
        taken.withLock { taken in
            guard count <= limit - taken else { return false }
            taken += count
            return true
        }
    }

    func giveBack(_ count: Int) {
        taken.withLock { $0 -= count }
    }
}
