internal import BlobCore
internal import LinuxIO

/// The credentials of AWS from wherever this machine has them: explicit, environment, web
/// identity, profile, container, instance metadata, in this order.
///
/// The first source that is set up decides. If it fails, the others are not asked: they could hold
/// credentials of somebody else. A profile that the configuration names is the only one asked.
final class AWSCredentialChain: AWSCredentialSource {
    private let cache: AWSCredentialCache

    init(
        explicit: AWSCredentials?, profile: String?, region: String?,
        environment: CredentialEnvironment, http: any CredentialHTTP, blockingPool: BlockingPool,
        clock: WallClock
    ) {
        let context = CredentialContext(
            environment: environment, requests: CredentialRequests(http: http),
            files: CredentialFiles(pool: blockingPool), clock: clock, region: region,
            profileName: profile)
        cache = Self.cache(explicit: explicit, context)
    }

    /// For tests, which set the limits of `context` lower.
    init(explicit: AWSCredentials? = nil, context: CredentialContext) {
        cache = Self.cache(explicit: explicit, context)
    }

    func credentials() async throws(BlobError) -> AWSCredentials {
        try await cache.credentials()
    }

    func invalidate(_ refused: AWSCredentials) {
        cache.invalidate(refused)
    }

    /// Ends a fetch that is under way; from now on every call fails.
    func close() {
        cache.close()
    }

    private static func cache(
        explicit: AWSCredentials?, _ context: CredentialContext
    ) -> AWSCredentialCache {
        AWSCredentialCache(clock: context.clock) { () throws(CredentialFetchFailure) in
            if let explicit { return explicit }
            return try await fetch(context)
        }
    }

    private static func providers(_ context: CredentialContext) -> [any CredentialProvider] {
        let profile = ProfileCredentials(context: context)
        if context.profileName != nil { return [profile] }
        return [
            EnvironmentCredentials(context: context), WebIdentityCredentials(context: context),
            profile, ContainerCredentials(context: context),
            InstanceMetadataCredentials(context: context),
        ]
    }

    private static func fetch(
        _ context: CredentialContext
    ) async throws(CredentialFetchFailure) -> AWSCredentials {
        var absences: [String] = []
        for provider in providers(context) {
            do throws(CredentialFailure) {
                switch try await provider.fetch() {
                case .found(let credentials): return credentials
                case .absent(let reason): absences.append("\(provider.name): \(reason)")
                }
            } catch {
                throw failure(error.from(provider.name), after: absences)
            }
        }
        throw CredentialFetchFailure(
            error: BlobError(
                .backendAuthentication,
                "found no AWS credentials (\(absences.joined(separator: "; "))); set"
                    + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or another of these",
                origin: .backend),
            isAbsence: true)
    }

    private static func failure(
        _ failure: CredentialFailure, after absences: [String]
    ) -> CredentialFetchFailure {
        let others = absences.isEmpty ? "" : " (not set up: \(absences.joined(separator: "; ")))"
        var error = BlobError(
            .backendAuthentication, "cannot get AWS credentials from \(failure.message)\(others)",
            origin: .backend)
        if failure.isTransient { error.retry = .backoff }
        return CredentialFetchFailure(error: error, isAbsence: false)
    }
}
