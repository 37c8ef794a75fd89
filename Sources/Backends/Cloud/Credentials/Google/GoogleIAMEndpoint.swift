internal import BlobCore

/// Where the IAM Service Account Credentials API is.
struct GoogleIAMEndpoint: Sendable, Equatable {
    static let google = GoogleIAMEndpoint(origin: "https://iamcredentials.googleapis.com")

    /// What goes before the address of an account.
    let base: String

    /// - Parameter origin: scheme, host and port.
    init(origin: String) {
        base = "\(origin)/v1/projects/-/serviceAccounts/"
    }

    init(base: String) {
        self.base = base
    }

    /// A call of `action` for the account `email`, as the holder of `token`.
    func request(
        _ action: String, email: String, token: String, _ body: some Encodable
    ) throws(CredentialFailure) -> HTTPRequest {
        guard GoogleAccountAddress.isAddress(email) else {
            throw CredentialFailure("the address of the service account is not one")
        }
        var request = HTTPRequest(.post, "\(base)\(email):\(action)")
        request.headers.append("authorization", "Bearer \(token)")
        request.headers.append("content-type", "application/json")
        request.body = .bytes([Bytes(utf8: try CredentialDocument.encode(body))])
        request.timeouts.firstByte = .seconds(10)
        return request
    }
}
