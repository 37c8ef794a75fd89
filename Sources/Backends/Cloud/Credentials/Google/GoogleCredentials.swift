internal import BlobCore

/// An access token of Google, and who signs URLs for its holder. Its description hides it.
struct GoogleCredentials: ExpiringCredentials {
    static var serviceName: String { "Google" }

    /// What goes after "Bearer ".
    var token: String
    /// When the token ends, or another that is needed for signing.
    var expiresAt: Timestamp?
    var signing: GoogleSigningIdentity

    /// The same token is the same credentials: whether a service refuses them depends on it alone.
    static func == (left: GoogleCredentials, right: GoogleCredentials) -> Bool {
        left.token == right.token && left.expiresAt == right.expiresAt
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(token)
    }
}

extension GoogleCredentials: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    var description: String { "GoogleCredentials(REDACTED)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A token alone.
struct GoogleToken: Sendable {
    var text: String
    var expiresAt: Timestamp
}

/// What a token may be used for.
enum GoogleScope {
    /// Reading and writing objects.
    static let storage = "https://www.googleapis.com/auth/devstorage.read_write"
    /// All that the account may do; nothing less reaches the IAM API.
    static let all = "https://www.googleapis.com/auth/cloud-platform"
}

/// Somebody whose tokens reach every API, the IAM API included.
protocol GoogleTokenSource: Sendable {
    func token() async throws(CredentialFailure) -> GoogleToken
}
