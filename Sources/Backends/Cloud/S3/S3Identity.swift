internal import BlobCore
internal import LinuxIO

/// Who the requests are from, and where the region comes from that goes with it.
struct S3Identity: Sendable {
    /// Nil for nobody.
    var credentials: AWSCredentialChain?
    /// Looks for the region where the credentials come from, too.
    var regionSource: AWSRegionSource

    init(
        _ configuration: S3Configuration, environment: CredentialEnvironment,
        http: any CredentialHTTP, blockingPool: BlockingPool, clock: WallClock
    ) throws(BlobError) {
        var profile: String?
        var explicit: AWSCredentials?
        var isAnonymous = false
        switch configuration.identity {
        case .chain(let name): profile = name
        case .keys(let accessKeyID, let secretAccessKey, let sessionToken):
            guard !accessKeyID.isEmpty, !secretAccessKey.isEmpty else {
                throw BlobError(.invalidArgument, "an S3 key pair needs both halves")
            }
            explicit = AWSCredentials(
                accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
                sessionToken: sessionToken, expiresAt: nil)
        case .anonymous: isAnonymous = true
        }
        let context = AWSCredentialContext(
            environment: environment, requests: CredentialRequests(http: http),
            files: CredentialFiles(pool: blockingPool), clock: clock,
            region: configuration.region, profileName: profile)
        regionSource = AWSRegionSource(context: context)
        if !isAnonymous {
            credentials = AWSCredentialChain(explicit: explicit, context: context)
        }
    }
}
