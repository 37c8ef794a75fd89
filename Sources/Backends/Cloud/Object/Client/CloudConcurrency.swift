internal import BlobCore
internal import Synchronization

/// How many requests each container gets at once: fewer after it asked to slow down (S3-16).
final class CloudConcurrency: Sendable {
    private static let maximumContainerCount = 10_000

    private let limits = Mutex<[String: AdaptiveConcurrency]>([:])

    /// Waits for a place.
    func enter(_ container: String) async throws(CloudFailure) -> AdaptiveConcurrency.Permit {
        do {
            return try await limit(container).acquire()
        } catch {
            throw CloudFailure(BlobError.cancelled)
        }
    }

    func succeeded(_ container: String) { limit(container).noteSuccess() }

    func throttled(_ container: String) { limit(container).noteThrottle(now: .now) }

    /// For tests.
    func width(of container: String) -> Int { limit(container).width }

    private func limit(_ container: String) -> AdaptiveConcurrency {
        limits.withLock { limits in
            if let limit = limits[container] { return limit }
            // Callers choose the containers. Who still waits keeps the limit it waits for.
            if limits.count >= Self.maximumContainerCount { limits.removeAll() }
            let limit = AdaptiveConcurrency(initialWidth: 64, maximumWidth: 256)
            limits[container] = limit
            return limit
        }
    }
}
