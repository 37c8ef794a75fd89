internal import BlobCore

/// A workload outside Google that shows the token of another identity provider.
struct GoogleExternalAccount: GoogleTokenSource {
    private static let grant = "urn:ietf:params:oauth:grant-type:token-exchange"
    private static let accessToken = "urn:ietf:params:oauth:token-type:access_token"
    private static let advice =
        "a federated identity cannot sign URLs: put service_account_impersonation_url into its"
        + " credential file, or configure the service account to sign as"

    private struct Options: Encodable {
        var userProject: String
    }

    private let subjectToken: GoogleSubjectToken
    private let form: [(name: String, value: String)]
    private let tokenURL: ServiceURL
    private let basicAuthorization: String?
    private let context: GoogleCredentialContext

    init(
        _ file: GoogleCredentialFile, _ context: GoogleCredentialContext
    ) throws(CredentialFailure) {
        subjectToken = try GoogleSubjectToken(file.credentialSource, context)
        tokenURL = try GoogleURLRule.url(
            try GoogleCredentialFile.required(file.tokenURL, "token_url"), "token_url")
        var form = [
            ("grant_type", Self.grant), ("requested_token_type", Self.accessToken),
            ("scope", GoogleScope.all),
            ("audience", try GoogleCredentialFile.required(file.audience, "audience")),
            (
                "subject_token_type",
                try GoogleCredentialFile.required(file.subjectTokenType, "subject_token_type")
            ),
        ]
        basicAuthorization = file.clientID.map { name in
            "Basic " + Base64.text(of: Array("\(name):\(file.clientSecret ?? "")".utf8))
        }
        // A client has a project of its own, which counts the requests.
        if let project = file.workforcePoolUserProject, basicAuthorization == nil {
            form.append(("options", try CredentialDocument.encode(Options(userProject: project))))
        }
        self.form = form
        self.context = context
    }

    func credentials() async throws(CredentialFailure) -> GoogleCredentials {
        let token = try await token()
        return GoogleCredentials(
            token: token.text, expiresAt: token.expiresAt,
            signing: context.signing(with: token, else: Self.advice))
    }

    func token() async throws(CredentialFailure) -> GoogleToken {
        var request = HTTPRequest.form(
            tokenURL, form + [("subject_token", try await subjectToken.fetch())])
        if let basicAuthorization { request.headers.append("authorization", basicAuthorization) }
        let reply = try await context.requests.send(request)
        return try GoogleTokenReply.token(
            in: reply, of: "the security token service",
            advice: "check the workload identity pool and the subject token",
            now: context.clock.now())
    }
}
