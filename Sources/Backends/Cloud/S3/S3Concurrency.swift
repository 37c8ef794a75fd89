internal import BlobCore
internal import Synchronization

/// How many requests each bucket gets at once: fewer after it asked to slow down (S3-16).
final class S3Concurrency: Sendable {
    private static let maximumBucketCount = 10_000

    private let limits = Mutex<[String: AdaptiveConcurrency]>([:])

    /// Waits for a place.
    func enter(_ bucket: String) async throws(S3Failure) -> AdaptiveConcurrency.Permit {
        do {
            return try await limit(bucket).acquire()
        } catch {
            throw S3Failure(BlobError.cancelled)
        }
    }

    func succeeded(_ bucket: String) { limit(bucket).noteSuccess() }

    func throttled(_ bucket: String) { limit(bucket).noteThrottle(now: .now) }

    /// For tests.
    func width(of bucket: String) -> Int { limit(bucket).width }

    private func limit(_ bucket: String) -> AdaptiveConcurrency {
        limits.withLock { limits in
            if let limit = limits[bucket] { return limit }
            // Callers choose the buckets. Who still waits keeps the limit it waits for.
            if limits.count >= Self.maximumBucketCount { limits.removeAll() }
            let limit = AdaptiveConcurrency(initialWidth: 64, maximumWidth: 256)
            limits[bucket] = limit
            return limit
        }
    }
}
