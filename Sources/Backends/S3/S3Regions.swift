internal import BlobCore
internal import Synchronization

/// The region of each bucket, as the service has told it; forgotten after a while (S3-07).
final class S3Regions: Sendable {
    private struct Entry {
        var region: String
        var learntAt: ContinuousClock.Instant
    }

    /// A bucket can be deleted and made anew elsewhere.
    private static let lifetime = Duration.seconds(3600)
    private static let maximumEntryCount = 10_000

    /// The region of a bucket nobody has told us about.
    let fallback: String
    private let entries = Mutex<[String: Entry]>([:])

    init(fallback: String) {
        self.fallback = fallback
    }

    func region(of bucket: String, now: ContinuousClock.Instant) -> String {
        entries.withLock { entries in
            guard let entry = entries[bucket], now - entry.learntAt < Self.lifetime else {
                return fallback
            }
            return entry.region
        }
    }

    func learn(_ region: String, of bucket: String, now: ContinuousClock.Instant) {
        entries.withLock { entries in
            // Callers choose the buckets: what they name must not fill the memory.
            if entries.count >= Self.maximumEntryCount { entries.removeAll() }
            entries[bucket] = Entry(region: region, learntAt: now)
        }
    }

    func forget(_ bucket: String) {
        entries.withLock { entries in entries[bucket] = nil }
    }
}
