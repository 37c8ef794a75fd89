internal import BlobCore

/// How sources of credentials talk to metadata services and token services.
protocol CredentialHTTP: Sendable {
    /// Sends the request and collects the whole reply, whatever its status.
    ///
    /// - Throws: `responseTooLarge` beyond `maximumResponseByteCount`.
    func exchange(
        _ request: HTTPRequest, maximumResponseByteCount: Int
    ) async throws(HTTPFailure) -> CredentialHTTPReply
}

/// A whole reply. Its body may be a secret, so it has no description.
struct CredentialHTTPReply: Sendable {
    var status: Int
    var headers = HTTPHeaders()
    var body = Bytes()
}
