internal import BlobCore
internal import LinuxIO

/// What every source of AWS credentials works with.
struct AWSCredentialContext: Sendable {
    let environment: CredentialEnvironment
    let requests: CredentialRequests
    let files: CredentialFiles
    let clock: WallClock
    /// From the configuration; wins over everything the environment says.
    let region: String?
    /// From the configuration; wins over `AWS_PROFILE`.
    let profileName: String?
    let keyCache = SigningKeyCache()
    var processTimeout = Duration.seconds(60)

    /// The profile to use when nothing else says which.
    var selectedProfileName: String {
        profileName ?? environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"] ?? "default"
    }

    /// A profile that somebody named must exist.
    var isProfileNamed: Bool {
        profileName != nil || environment["AWS_PROFILE"] != nil
            || environment["AWS_DEFAULT_PROFILE"] != nil
    }
}
