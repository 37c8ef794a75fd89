internal import Backends
internal import BlobCore

/// The constants of Google's V4 signatures.
enum GoogleV4 {
    static let algorithm = "GOOG4-RSA-SHA256"
    /// The longest time that a signed URL may be valid: seven days.
    static let maximumValidSeconds: UInt32 = 604_800

    /// CM-16: before anything else is done.
    static func check(validSeconds: UInt32) throws(BlobError) {
        guard validSeconds >= 1, validSeconds <= maximumValidSeconds else {
            throw BlobError(
                .presign, "a URL can be valid for 1 to \(maximumValidSeconds) seconds")
        }
    }
}

/// When a signature was made, as text.
struct GoogleV4Scope: Sendable {
    /// For example "20261123T231558Z".
    let dateAndTime: String
    /// For example "20261123/auto/storage/goog4_request".
    let text: String

    init(_ time: Timestamp) {
        self.init(dateAndTime: time.basicISO8601)
    }

    /// With the time as it is to be signed; the first eight characters are the date.
    init(dateAndTime: String) {
        self.dateAndTime = dateAndTime
        text = "\(dateAndTime.prefix(8))/auto/storage/goog4_request"
    }
}

/// What of a request a signed URL fixes.
struct GoogleV4Request: Sendable {
    var method: String
    /// Scheme, host and port of the URL, such as `https://storage.googleapis.com`. The bucket is in
    /// it, or else in the path.
    var origin: String
    /// As the `Host` header has it: with the port unless it is the scheme's own.
    var host: String
    /// As on the wire: encoded once, not normalised, beginning with "/" (GC-01).
    var encodedPath: String
    /// Names and values before encoding.
    var query: [(name: String, value: String)] = []
    /// Fields that the user of the URL must send, besides `host`.
    var headers: [(name: String, value: String)] = []
}

/// A URL that lacks nothing but its signature.
struct GoogleUnsignedURL: Sendable {
    /// The URL up to its last parameter.
    let text: String
    let stringToSign: String

    func signed(with signature: [UInt8]) -> String {
        "\(text)&X-Goog-Signature=\(HexText.text(of: signature))"
    }
}
