internal import BlobCore

/// A key pair of AWS or a compatible service. Its description hides it.
struct AWSCredentials: ExpiringCredentials {
    static var serviceName: String { "AWS" }

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
