internal import BlobCore
internal import Synchronization

/// The region of each bucket, as the service has told it; forgotten after a while (S3-07).
final class S3Regions: Sendable {
    private struct Entry {
        var region: String
        var learntAt: ContinuousClock.Instant
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// The region of a bucket nobody has told us about; nil until it was looked for.
        var home: String?
    }

    /// A bucket can be deleted and made anew elsewhere.
    private static let lifetime = Duration.seconds(3600)
    private static let maximumEntryCount = 10_000
    private static let lastResort = "us-east-1"

    private let findHome: @Sendable () async throws(BlobError) -> String?
    private let state = Mutex(State())

    /// - Parameter findHome: Looks for the region to begin with; asked until it answers.
    init(findHome: @escaping @Sendable () async throws(BlobError) -> String?) {
        self.findHome = findHome
    }

    func region(
        of bucket: String, now: ContinuousClock.Instant
    ) async throws(BlobError) -> String {
        let (learnt, home) = state.withLock { state -> (String?, String?) in
            guard let entry = state.entries[bucket], now - entry.learntAt < Self.lifetime else {
                return (nil, state.home)
            }
            return (entry.region, state.home)
        }
        if let known = learnt ?? home { return known }
        let found: String
        if let region = try await findHome() { found = region } else { found = Self.lastResort }
        guard S3Endpoint.isRegionName(found) else {
            throw BlobError(.invalidArgument, "'\(found.prefix(64))' is no region; set s3.region")
        }
        state.withLock { state in state.home = found }
        return found
    }

    func learn(_ region: String, of bucket: String, now: ContinuousClock.Instant) {
        state.withLock { state in
            // Callers choose the buckets: what they name must not fill the memory.
            if state.entries.count >= Self.maximumEntryCount { state.entries.removeAll() }
            state.entries[bucket] = Entry(region: region, learntAt: now)
        }
    }
}
