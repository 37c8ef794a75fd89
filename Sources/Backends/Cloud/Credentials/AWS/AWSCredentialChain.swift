internal import BlobCore
internal import LinuxIO

/// The credentials of AWS from wherever this machine has them: explicit, environment, web
/// identity, profile, container, instance metadata, in this order.
///
/// A profile that the configuration names is the only source asked.
final class AWSCredentialChain: CredentialSource {
    private let cache: CredentialCache<AWSCredentials>

    init(
        explicit: AWSCredentials?, profile: String?, region: String?,
        environment: CredentialEnvironment, http: any CredentialHTTP, blockingPool: BlockingPool,
        clock: WallClock
    ) {
        let context = AWSCredentialContext(
            environment: environment, requests: CredentialRequests(http: http),
            files: CredentialFiles(pool: blockingPool), clock: clock, region: region,
            profileName: profile)
        cache = Self.cache(explicit: explicit, context)
    }

    /// For tests, which set the limits of `context` lower.
    init(explicit: AWSCredentials? = nil, context: AWSCredentialContext) {
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
        explicit: AWSCredentials?, _ context: AWSCredentialContext
    ) -> CredentialCache<AWSCredentials> {
        CredentialCache<AWSCredentials>(clock: context.clock) { () throws(CredentialFetchFailure) in
            if let explicit { return explicit }
            return try await CredentialProviders.fetch(
                providers(context),
                hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or another of these")
        }
    }

    private static func providers(_ context: AWSCredentialContext) -> [any CredentialProvider<
        AWSCredentials
    >] {
        let profile = ProfileCredentials(context: context)
        if context.profileName != nil { return [profile] }
        return [
            EnvironmentCredentials(context: context), WebIdentityCredentials(context: context),
            profile, ContainerCredentials(context: context),
            InstanceMetadataCredentials(context: context),
        ]
    }
}
