internal import BlobCore

/// A service account taken on by somebody who may do that. The same right lets him sign as it.
struct GoogleImpersonation: Sendable {
    private static let action = "generateAccessToken"
    private static let member = "service_account_impersonation_url"
    /// What Google allows; more than an hour only where an organisation permits it.
    private static let lifeSeconds = 600...43_200

    private struct Body: Encodable {
        var scope: [String]
        var lifetime: String
        var delegates: [String]?
    }

    private struct Reply: Decodable {
        var accessToken: String
        var expireTime: String
    }

    private let source: any GoogleTokenSource
    private let endpoint: GoogleIAMEndpoint
    private let email: String
    private let lifetime: Int
    private let delegates: [String]
    private let context: GoogleCredentialContext

    init(
        _ file: GoogleCredentialFile, source: any GoogleTokenSource,
        _ context: GoogleCredentialContext
    ) throws(CredentialFailure) {
        let text = try GoogleCredentialFile.required(file.impersonationURL, Self.member)
        let url = try GoogleURLRule.url(text, Self.member)
        guard url.query == nil, url.path.hasSuffix(":\(Self.action)"),
            let slash = url.text.lastIndex(of: "/")
        else {
            throw CredentialFailure("'\(Self.member)' does not end in ACCOUNT:\(Self.action)")
        }
        endpoint = GoogleIAMEndpoint(base: String(url.text[...slash]))
        email = String(
            url.text[slash...].dropFirst().dropLast(Self.action.utf8.count + 1))
        lifetime = file.impersonation?.token_lifetime_seconds ?? 3600
        guard Self.lifeSeconds.contains(lifetime) else {
            throw CredentialFailure("'token_lifetime_seconds' is not between 600 and 43200")
        }
        delegates = file.delegates ?? []
        self.source = source
        self.context = context
    }

    func credentials() async throws(CredentialFailure) -> GoogleCredentials {
        let own = try await source.token()
        let body = Body(
            scope: [GoogleScope.storage], lifetime: "\(lifetime)s",
            delegates: delegates.isEmpty ? nil : delegates)
        let reply = try await context.requests.send(
            endpoint.request(Self.action, email: email, token: own.text, body))
        try GoogleTokenReply.check(
            reply, of: "IAM",
            advice: "taking on \(email) needs the role roles/iam.serviceAccountTokenCreator on it")
        let document = CredentialDocument.decode(Reply.self, from: reply.body)
        guard let document, GoogleTokenReply.isToken(document.accessToken),
            let end = Timestamp(iso8601: document.expireTime)
        else { throw CredentialFailure("IAM gave an answer without a token") }
        return GoogleCredentials(
            token: document.accessToken,
            // Signing needs the other token, so both are renewed before the first ends.
            expiresAt: min(end, own.expiresAt),
            signing: .signBlob(
                GoogleSignBlob(
                    account: GoogleAccountAddress(email), token: own.text, delegates: delegates,
                    endpoint: endpoint, requests: context.requests)))
    }
}
