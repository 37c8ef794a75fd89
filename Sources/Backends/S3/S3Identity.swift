internal import BlobCore
internal import LinuxIO

/// Who the requests are from, and the region that goes with it.
struct S3Identity: Sendable {
    /// Nil for nobody.
    var credentials: (any AWSCredentialSource)?
    var region: String

    init(
        _ configuration: S3Configuration, environment: CredentialEnvironment,
        http: any CredentialHTTP, blockingPool: BlockingPool, clock: WallClock
    ) throws(BlobError) {
        var profile: String?
        var explicit: AWSCredentials?
        switch configuration.identity {
        case .chain(let name): profile = name
        case .keys(let accessKeyID, let secretAccessKey, let sessionToken):
            guard !accessKeyID.isEmpty, !secretAccessKey.isEmpty else {
                throw BlobError(.invalidArgument, "an S3 key pair needs both halves")
            }
            explicit = AWSCredentials(
                accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
                sessionToken: sessionToken, expiresAt: nil)
        case .anonymous: break
        }
        let configured =
            configuration.region
            ?? AWSRegionSource.region(profile: profile, environment: environment)
        region = configured ?? "us-east-1"
        guard S3Endpoint.isRegionName(region) else {
            throw BlobError(.invalidArgument, "'\(region.prefix(64))' is no region")
        }
        if case .anonymous = configuration.identity { return }
        credentials = AWSCredentialChain(
            explicit: explicit, profile: profile, region: configured, environment: environment,
            http: http, blockingPool: blockingPool, clock: clock)
    }
}
