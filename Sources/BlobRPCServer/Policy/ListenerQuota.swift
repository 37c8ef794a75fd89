internal import BlobCore
internal import BlobWire
internal import Synchronization

/// What the peers of one socket use together, over all its connections.
///
/// Memory is counted before it can be needed, by what a connection or a call may make the server
/// keep: for a connection its receive buffer, a frame under way and the batch being written; for a
/// call its request and answer, the credit of its stream, and the queue of its body. Lists are counted
/// when they are collected or made. What a store holds for a call is that store's own limit.
///
/// Descriptors are counted over all sockets that may not use the last ones: ``DescriptorBudget``.
final class ListenerQuota: Sendable {
    private struct State {
        var calls = TokenBucket()
        var bytes = TokenBucket()
        var runningCallCount = 0
        var chargedByteCount = 0
    }

    private let descriptors: DescriptorBudget
    private let state = Mutex(State())

    init(_ descriptors: DescriptorBudget) {
        self.descriptors = descriptors
    }

    /// For tests and counters.
    var chargedByteCount: Int { state.withLock { $0.chargedByteCount } }

    /// Admits a call.
    ///
    /// - Throws: `quotaExceeded` over the rate (W-94), `refused` over the number of calls at once,
    ///   `overloaded` over the memory (W-98) or the descriptors.
    func begin(
        _ policy: ListenerPolicy, byteCount: Int, now: ContinuousClock.Instant
    ) throws(BlobError) -> QuotaShare {
        let isLimited =
            policy.callRate != nil || policy.maximumCallCount != nil
            || policy.memoryByteCount != nil
        let descriptorCount = try takeDescriptors(DescriptorBudget.callDescriptorCount, policy)
        guard isLimited else {
            return QuotaShare(self, policy, descriptorCount: descriptorCount)
        }
        let failure = state.withLock { state -> BlobError? in
            if let limit = policy.maximumCallCount, state.runningCallCount >= limit {
                return BlobError(
                    .refused, "\(limit) calls are already running on this socket",
                    origin: .policy)
            }
            if let limit = policy.callRate, let delay = state.calls.take(1, of: limit, now: now) {
                var error = BlobError(
                    .quotaExceeded, "more than \(limit.perSecond) calls a second on this socket",
                    origin: .policy)
                error.retryAfter = delay
                return error
            }
            if let error = Self.charge(byteCount, policy, &state) { return error }
            state.runningCallCount += 1
            return nil
        }
        if let failure {
            descriptors.giveBack(descriptorCount)
            throw failure
        }
        return QuotaShare(
            self, policy, descriptorCount: descriptorCount, byteCount: byteCount, isCall: true)
    }

    /// Admits a connection.
    ///
    /// - Throws: `overloaded`.
    func admit(_ policy: ListenerPolicy) throws(BlobError) -> QuotaShare {
        let descriptorCount = try takeDescriptors(
            DescriptorBudget.connectionDescriptorCount, policy)
        let share = QuotaShare(self, policy, descriptorCount: descriptorCount)
        try share.charge(Self.connectionByteCount(policy.limits))
        return share
    }

    /// - Returns: How many were counted.
    private func takeDescriptors(
        _ count: Int, _ policy: ListenerPolicy
    ) throws(BlobError) -> Int {
        guard !policy.isTrusted else { return 0 }
        guard descriptors.take(count) else {
            throw BlobError(
                .overloaded, "the server has too many connections and calls", origin: .policy)
        }
        return count
    }

    fileprivate func charge(_ byteCount: Int, _ policy: ListenerPolicy) throws(BlobError) {
        let failure = state.withLock { Self.charge(byteCount, policy, &$0) }
        if let failure { throw failure }
    }

    private static func charge(
        _ byteCount: Int, _ policy: ListenerPolicy, _ state: inout State
    ) -> BlobError? {
        guard let limit = policy.memoryByteCount else { return nil }
        guard byteCount <= limit - state.chargedByteCount else {
            return BlobError(
                .overloaded, "the peers of this socket use all the memory it may take",
                origin: .policy)
        }
        state.chargedByteCount += byteCount
        return nil
    }

    fileprivate func giveBack(_ byteCount: Int, callCount: Int, descriptorCount: Int) {
        if descriptorCount > 0 { descriptors.giveBack(descriptorCount) }
        guard byteCount > 0 || callCount > 0 else { return }
        state.withLock { state in
            state.chargedByteCount -= byteCount
            state.runningCallCount -= callCount
        }
    }

    /// W-95: counts bytes that moved; how long to wait before the next move.
    func pace(_ byteCount: Int, _ limit: RateLimit) -> Duration? {
        state.withLock { $0.bytes.overdraw(UInt64(max(0, byteCount)), of: limit, now: .now) }
    }

    // MARK: What is charged

    /// A receive buffer of 64 KiB, a frame under way, and a batch.
    static func connectionByteCount(_ limits: ConnectionLimits) -> Int {
        (64 << 10) + 2 * limits.frames.maximumDataByteCount + ConnectionMachine.batchByteCount
    }

    /// A list's entry with its URI, before it is known.
    private static let entryByteCount = 1 << 10

    static func callByteCount(
        _ request: BlobRequest, _ body: RequestBodyForm, _ limits: ConnectionLimits
    ) -> Int {
        var byteCount = 2 * limits.frames.maximumHeaderByteCount
        if body == .follows { byteCount += Int(limits.streamCreditByteCount) }
        switch request.arguments {
        case .get: byteCount += ConnectionMachine.roomByteCount
        case .list(_, let options): byteCount += Int(options.pageEntryCount) * entryByteCount
        default: break
        }
        return byteCount
    }
}

/// What one call or connection has taken of its socket's quota; given back when it ends, or goes.
final class QuotaShare: Sendable {
    private struct Taken {
        var byteCount: Int
        var callCount: Int
        var descriptorCount: Int
        var isOver = false
    }

    let policy: ListenerPolicy
    private let quota: ListenerQuota
    private let taken: Mutex<Taken>

    fileprivate init(
        _ quota: ListenerQuota, _ policy: ListenerPolicy, descriptorCount: Int,
        byteCount: Int = 0, isCall: Bool = false
    ) {
        self.quota = quota
        self.policy = policy
        taken = Mutex(
            Taken(
                byteCount: policy.memoryByteCount == nil ? 0 : byteCount,
                callCount: isCall ? 1 : 0, descriptorCount: descriptorCount))
    }

    deinit { end() }

    /// Gives everything back. Idempotent.
    func end() {
        let taken = self.taken.withLock { taken in
            defer {
                taken = Taken(byteCount: 0, callCount: 0, descriptorCount: 0, isOver: true)
            }
            return taken
        }
        quota.giveBack(
            taken.byteCount, callCount: taken.callCount, descriptorCount: taken.descriptorCount)
    }

    /// Counts memory before it is allocated.
    ///
    /// - Throws: `overloaded`.
    func charge(_ byteCount: Int) throws(BlobError) {
        guard policy.memoryByteCount != nil else { return }
        try quota.charge(byteCount, policy)
        let isOver = taken.withLock { taken in
            if !taken.isOver { taken.byteCount += byteCount }
            return taken.isOver
        }
        if isOver { quota.giveBack(byteCount, callCount: 0, descriptorCount: 0) }
    }

    /// Counts bytes of a body; how long to wait before the next ones.
    func pace(_ byteCount: Int) -> Duration? {
        policy.byteRate.flatMap { quota.pace(byteCount, $0) }
    }
}
