/// What of a request AWS Signature V4 covers.
struct SigV4Request: Sendable {
    var method: String
    /// As the `Host` header has it: with the port unless it is the scheme's own (S3-05).
    var host: String
    /// As on the wire: encoded once, not normalised, beginning with "/" (S3-01, S3-02).
    var encodedPath: String
    /// Names and values before encoding. The signer encodes and sorts them (S3-04).
    var query: [(name: String, value: String)] = []
    /// Fields to sign besides `host` and those that the signer adds. All of them are signed.
    var headers: [(name: String, value: String)] = []
    /// Hexadecimal SHA-256 of the body, or ``SigV4/unsignedPayload``.
    var payloadHash: String

    init(
        method: String, host: String, encodedPath: String,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [],
        payloadHash: String = SigV4.unsignedPayload
    ) {
        self.method = method
        self.host = host
        self.encodedPath = encodedPath
        self.query = query
        self.headers = headers
        self.payloadHash = payloadHash
    }
}
