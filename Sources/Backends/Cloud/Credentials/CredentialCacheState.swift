internal import BlobCore

/// When to use, renew and give up credentials. Does nothing by itself, so that every rule can be
/// tested with times of its own.
///
/// All times are of the wall clock: a clock that stands still while a machine is suspended would
/// take expired credentials for good.
struct CredentialCacheState<Value: ExpiringCredentials> {
    /// How long "there is no source" is believed, and how long nothing is fetched in vain.
    private static var absencePause: Int64 { 10_000 }
    /// Any other failure with no credentials at hand.
    private static var failurePause: Int64 { 1000 }
    /// The least time before the end at which credentials are renewed.
    private static var leastMargin: Int64 { 5 * 60 * 1000 }

    static var closedError: BlobError {
        BlobError(.shuttingDown, "the server is shutting down and fetches no more credentials")
    }

    var isClosed = false
    /// The fetch under way.
    var task: Task<Void, Never>?
    var waiters: [Int: CredentialCacheCore<Value>.Waiter] = [:]
    var lastIdentifier = 0

    private var current: Value?
    /// When to renew `current`; nil when it does not end.
    private var renewal: Timestamp?
    private var failure: BlobError?
    /// Nothing is fetched in this time, because it was just tried in vain.
    private var rest: Range<Timestamp>?
    /// What the service refused. Fetching the very same again shows that asking does not help.
    private var refused: Value?

    struct Step {
        var answer: CredentialCacheCore<Value>.Answer?
        var mustFetch = false
    }

    /// What to answer now, if anything, and whether to begin a fetch.
    func step(at now: Timestamp) -> Step {
        if isClosed { return Step(answer: .failure(Self.closedError)) }
        let isResting = rest?.contains(now) ?? false
        if let current, Self.isValid(current, at: now) {
            let isDue = renewal.map { $0 <= now } ?? false
            // Still valid, so nobody waits for the renewal, nor hears of its failures.
            return Step(
                answer: .success(current), mustFetch: isDue && task == nil && !isResting)
        }
        if task != nil { return Step() }
        if isResting, let failure { return Step(answer: .failure(failure)) }
        return Step(mustFetch: true)
    }

    /// S3-18: the next call fetches anew, unless somebody did meanwhile, or did just now and got
    /// the same again.
    mutating func invalidate(_ credentials: Value, at now: Timestamp) {
        guard current == credentials else { return }
        if refused == credentials, rest?.contains(now) ?? false { return }
        refused = credentials
        current = nil
        failure = nil
        rest = nil
    }

    /// Notes how the fetch ended; returns what to tell those who wait.
    mutating func finish(
        _ outcome: Result<Value, CredentialFetchFailure>, at now: Timestamp,
        random: Double
    ) -> CredentialCacheCore<Value>.Answer {
        task = nil
        if isClosed { return .failure(Self.closedError) }
        switch outcome {
        case .success(let fetched) where Self.isValid(fetched, at: now):
            failure = nil
            current = fetched
            renewal = Self.renewal(of: fetched, at: now, random: random)
            if fetched == refused {
                pause(Self.absencePause, at: now)
            } else {
                refused = nil
                rest = nil
            }
            return .success(fetched)
        case .success:
            return fail(
                BlobError(
                    .backendAuthentication,
                    "the source of the \(Value.serviceName) credentials gave some that have expired; check it and"
                        + " the clock of this machine"),
                pause: Self.failurePause, at: now, random: random)
        case .failure(let failure):
            return fail(
                failure.error,
                pause: failure.isAbsence ? Self.absencePause : Self.failurePause, at: now,
                random: random)
        }
    }

    mutating func takeWaiters() -> [CredentialCacheCore<Value>.Waiter] {
        defer { waiters = [:] }
        return Array(waiters.values)
    }

    private mutating func fail(
        _ error: BlobError, pause length: Int64, at now: Timestamp, random: Double
    ) -> CredentialCacheCore<Value>.Answer {
        failure = error
        if let current, Self.isValid(current, at: now) {
            // There is time until the end: the source is not asked at every call.
            pause(Self.absencePause &+ Int64(random * Double(Self.absencePause)), at: now)
            return .success(current)
        }
        pause(length, at: now)
        return .failure(error)
    }

    private mutating func pause(_ length: Int64, at now: Timestamp) {
        let (end, isBeyond) = now.milliseconds.addingReportingOverflow(length)
        rest = now..<Timestamp(milliseconds: isBeyond ? .max : end)
    }

    private static func isValid(_ credentials: Value, at now: Timestamp) -> Bool {
        credentials.expiresAt.map { $0 > now } ?? true
    }

    /// A tenth to a fifth of the life before its end, at least five minutes and a bit, and never
    /// more than half of it.
    private static func renewal(
        of credentials: Value, at now: Timestamp, random: Double
    ) -> Timestamp? {
        guard let end = credentials.expiresAt else { return nil }
        let life = max(0, end.milliseconds.subtractingReportingOverflow(now.milliseconds).0)
        let share = Int64(Double(life) * (0.1 + 0.1 * random))
        let least = leastMargin + Int64(random * 60_000)
        return Timestamp(milliseconds: end.milliseconds &- min(max(share, least), life / 2))
    }
}
