/// Which URLs of a credential file are followed.
enum GoogleURLRule {
    /// These answer in the clear, and never leave the machine's host.
    private static let metadataHosts = [
        "169.254.169.254", "metadata.google.internal", "fd20:ce::254",
    ]

    /// What is sent there is a secret, and what comes back is one: over http it would be anybody's.
    ///
    /// - Parameter name: of the member, for the error.
    static func url(_ text: String, _ name: String) throws(CredentialFailure) -> ServiceURL {
        guard let url = ServiceURL(text) else {
            throw CredentialFailure("'\(name)' is no http or https URL")
        }
        guard url.isSecure || url.isLoopback || metadataHosts.contains(url.hostName) else {
            throw CredentialFailure(
                "'\(name)' must be an https URL: over http, tokens could be read on the way")
        }
        return url
    }
}
