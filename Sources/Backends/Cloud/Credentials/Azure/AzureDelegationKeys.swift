internal import BlobCore

/// Sends what asks the service for a delegation key; the client of the backend, which knows how to
/// authorise and repeat requests.
protocol AzureDelegationKeySender: Sendable {
    /// The body of a successful answer.
    func send(_ request: AzureDelegationKeyRequest) async throws(BlobError) -> Bytes
}

/// The keys that a user signs URLs with, fetched when needed and shared (AZ-13).
///
/// Usual URLs are signed with a key of twelve hours that is put away two hours before its end. URLs
/// that may outlive it have one of their own, as long as the service gives them.
final class AzureDelegationKeys: Sendable {
    private static let hour: Int64 = 3_600_000
    /// Clocks differ: a key that begins now would not be valid yet elsewhere.
    private static let skew: Int64 = 5 * 60_000
    private static let usualLife = 12 * hour
    private static let usualRest = 2 * hour
    /// From the start of the key.
    private static let longestLife = 7 * 24 * hour
    /// URLs of seven days end so much earlier, so that several of them can share a key.
    private static let longestRest = 15 * 60_000 as Int64

    private let clock: WallClock
    private let usual: CredentialCache<AzureDelegationKey>
    private let long: CredentialCache<AzureDelegationKey>

    init(clock: WallClock, sender: any AzureDelegationKeySender) {
        self.clock = clock
        usual = Self.cache(clock, sender, life: Self.usualLife, rest: Self.usualRest)
        long = Self.cache(clock, sender, life: Self.longestLife, rest: 0)
    }

    /// A key that is valid until `end`, or for seven days less a little when that is further away.
    func key(until end: Timestamp) async throws(BlobError) -> AzureDelegationKey {
        let now = clock.now().milliseconds
        let isUsual = end.milliseconds <= now &+ Self.usualLife &- Self.usualRest
        let cache = isUsual ? usual : long
        let wanted = Timestamp(
            milliseconds: min(end.milliseconds, now &+ Self.longestLife &- Self.longestRest))
        let key = try await cache.credentials()
        guard key.end < wanted else { return key }
        cache.invalidate(key)
        return try await cache.credentials()
    }

    /// Ends fetches that are under way; every later call fails.
    func close() {
        usual.close()
        long.close()
    }

    private static func cache(
        _ clock: WallClock, _ sender: any AzureDelegationKeySender, life: Int64, rest: Int64
    ) -> CredentialCache<AzureDelegationKey> {
        CredentialCache(clock: clock) { () throws(CredentialFetchFailure) in
            let start = Timestamp(milliseconds: clock.now().milliseconds &- skew)
            let request = AzureDelegationKeyRequest(
                start: start,
                end: Timestamp(
                    milliseconds: life == longestLife
                        ? start.milliseconds &+ life : clock.now().milliseconds &+ life))
            do throws(BlobError) {
                let document = try await sender.send(request)
                guard let key = AzureDelegationKey(parsing: document, restMilliseconds: rest) else {
                    throw BlobError(
                        .presign, "Azure gave an answer that is no delegation key",
                        origin: .backend)
                }
                return key
            } catch {
                throw CredentialFetchFailure(error: explained(error), isAbsence: false)
            }
        }
    }

    private static func explained(_ error: BlobError) -> BlobError {
        guard error.code == .permissionDenied else { return error }
        var error = error
        error.code = .presign
        error.message =
            "the server's Azure identity may not sign URLs: give it the role 'Storage Blob"
            + " Delegator' on the account (\(error.message))"
        return error
    }
}
