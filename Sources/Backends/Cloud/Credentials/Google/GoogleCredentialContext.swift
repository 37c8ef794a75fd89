internal import BlobCore

/// What every source of Google's credentials works with.
struct GoogleCredentialContext: Sendable {
    let environment: CredentialEnvironment
    let requests: CredentialRequests
    let files: CredentialFiles
    let clock: WallClock
    /// From the configuration; the only place that is looked at then.
    var credentialsFile: String?
    /// From the configuration: the service account that signs for those who have no key and no
    /// account of their own.
    var signingAccount: String?
    /// The IAM Service Account Credentials API.
    var iamEndpoint = GoogleIAMEndpoint.google

    /// Who signs for the holder of `token`, who is no service account.
    func signing(with token: GoogleToken, else advice: String) -> GoogleSigningIdentity {
        guard let signingAccount else { return .none(advice) }
        return .signBlob(
            GoogleSignBlob(
                account: GoogleAccountAddress(signingAccount), token: token.text,
                endpoint: iamEndpoint, requests: requests))
    }
}
