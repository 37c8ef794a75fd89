internal import BlobCore

/// A person who logged in with `gcloud auth application-default login`.
struct GoogleAuthorizedUser: GoogleTokenSource {
    static let tokenURL = "https://oauth2.googleapis.com/token"
    private static let advice =
        "a person's credentials cannot sign URLs: use a service account's key file, or configure the"
        + " service account to sign as, or log in with 'gcloud auth application-default login"
        + " --impersonate-service-account=ACCOUNT'"

    private let form: [(name: String, value: String)]
    private let tokenURL: ServiceURL
    private let context: GoogleCredentialContext

    init(
        _ file: GoogleCredentialFile, _ context: GoogleCredentialContext
    ) throws(CredentialFailure) {
        form = [
            ("grant_type", "refresh_token"),
            ("client_id", try GoogleCredentialFile.required(file.clientID, "client_id")),
            (
                "client_secret",
                try GoogleCredentialFile.required(file.clientSecret, "client_secret")
            ),
            (
                "refresh_token",
                try GoogleCredentialFile.required(file.refreshToken, "refresh_token")
            ),
        ]
        tokenURL = try GoogleURLRule.url(file.tokenURI ?? Self.tokenURL, "token_uri")
        self.context = context
    }

    func credentials() async throws(CredentialFailure) -> GoogleCredentials {
        let token = try await token()
        return GoogleCredentials(
            token: token.text, expiresAt: token.expiresAt,
            signing: context.signing(with: token, else: Self.advice))
    }

    func token() async throws(CredentialFailure) -> GoogleToken {
        let reply = try await context.requests.send(.form(tokenURL, form))
        return try GoogleTokenReply.token(
            in: reply, of: "the token service",
            advice: "log in again with 'gcloud auth application-default login'",
            now: context.clock.now())
    }
}

extension HTTPRequest {
    /// A form sent to a token service.
    static func form(
        _ url: ServiceURL, _ fields: [(name: String, value: String)]
    ) -> HTTPRequest {
        var request = HTTPRequest(.post, url.text)
        request.headers.append("content-type", "application/x-www-form-urlencoded")
        request.headers.append("accept", "application/json")
        request.body = .bytes([Bytes(utf8: SigV4.canonicalQuery(fields))])
        request.timeouts.firstByte = .seconds(10)
        return request
    }
}
