internal import BlobCore

/// A key pair of AWS or a compatible service. Its description hides it.
struct AWSCredentials: Sendable, Hashable {
    var accessKeyID: String
    var secretAccessKey: String
    /// With temporary credentials only.
    var sessionToken: String?
    /// When they end, by the wall clock; nil when they do not.
    var expiresAt: Timestamp?
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    var description: String { "AWSCredentials(REDACTED)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Where credentials come from, with what was fetched kept until shortly before it ends.
protocol AWSCredentialSource: Sendable {
    /// Credentials that work now. Many callers at once cause one fetch.
    ///
    /// - Throws: `backendAuthentication`, saying which source was asked and what to set.
    func credentials() async throws(BlobError) -> AWSCredentials

    /// The service refused `refused` as expired: the next call fetches anew, unless that was done
    /// meanwhile (S3-18).
    func invalidate(_ refused: AWSCredentials)

    /// Ends a fetch that is under way; every later call fails.
    func close()
}
