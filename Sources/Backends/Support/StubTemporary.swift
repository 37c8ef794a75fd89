// temporary
internal import BlobCore
internal import LinuxIO
struct RetryPolicy: Sendable { var maximumAttemptCount = 8 }
enum RetryReason { case transient, throttled, timeout }
struct RetrySchedule {
    init(policy: RetryPolicy, budget: RetryBudget, deadline: ContinuousClock.Instant?, start: ContinuousClock.Instant) {}
    mutating func delay(after: RetryReason, retryAfter: Duration?, now: ContinuousClock.Instant) -> Duration? { attemptCount += 1; return attemptCount > 5 ? nil : .milliseconds(50) }
    var attemptCount = 1
}
final class RetryBudget: Sendable { func succeeded() {} }
final class AdaptiveConcurrency: Sendable {
    struct Permit { func leave() {} }
    func acquire() async throws(CancellationError) -> Permit { Permit() }
    func succeeded() {}
    func throttled(now: ContinuousClock.Instant) {}
}
struct CredentialEnvironment: Sendable { static var process: CredentialEnvironment { CredentialEnvironment() } }
protocol CredentialHTTP: Sendable {}
struct EngineCredentialHTTP: CredentialHTTP { var engines: HTTPEnginePool }
struct AWSCredentialChain: AWSCredentialSource {
    let explicit: AWSCredentials?
    init(explicit: AWSCredentials?, profile: String?, region: String?, environment: CredentialEnvironment, http: any CredentialHTTP, blockingPool: BlockingPool, clock: WallClock) { self.explicit = explicit }
    func credentials() async throws(BlobError) -> AWSCredentials { if let explicit { return explicit } ; throw BlobError(.other, "") }
    func invalidate(_ refused: AWSCredentials) {}
}
enum AWSRegionSource { static func region(profile: String?, environment: CredentialEnvironment) -> String? { nil } }
