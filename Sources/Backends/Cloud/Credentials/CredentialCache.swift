internal import BlobCore
internal import Synchronization

/// Why a fetch brought nothing.
struct CredentialFetchFailure: Error, Sendable {
    var error: BlobError
    /// Whether there simply is no source of credentials here.
    var isAbsence: Bool
}

/// Keeps what was fetched, renews it in good time, and lets many callers share one fetch.
///
/// The fetch belongs to the cache and not to the caller who caused it: it goes on when that caller
/// is cancelled, and ends with the cache. It captures the core only, so that it does not itself
/// keep the cache alive.
final class CredentialCache<Value: ExpiringCredentials>: CredentialSource {
    typealias Fetch = @Sendable () async throws(CredentialFetchFailure) -> Value

    private let core: CredentialCacheCore<Value>

    /// - Parameter random: from 0 to 1; spreads the renewals of many servers.
    init(
        clock: WallClock, random: @escaping @Sendable () -> Double = { .random(in: 0...1) },
        fetch: @escaping Fetch
    ) {
        core = CredentialCacheCore(clock: clock, random: random, fetch: fetch)
    }

    deinit {
        core.close()
    }

    /// Ends a fetch that is under way; from now on every call fails.
    func close() {
        core.close()
    }

    func invalidate(_ refused: Value) {
        core.invalidate(refused)
    }

    func credentials() async throws(BlobError) -> Value {
        if let answer = core.answer() { return try answer.get() }
        let identifier = core.makeIdentifier()
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: CredentialCacheCore<Value>.Waiter) in
                // The handler below may have run before there was anybody to resume.
                if Task.isCancelled {
                    waiter.resume(returning: .failure(.cancelled))
                } else {
                    core.wait(waiter, identifier)
                }
            }
        } onCancel: {
            core.giveUp(identifier)
        }
        return try answer.get()
    }
}
