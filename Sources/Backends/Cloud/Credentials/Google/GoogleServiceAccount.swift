internal import BlobCore

/// A service account whose private key is here.
struct GoogleServiceAccount: GoogleTokenSource {
    private static let lifeSeconds: Int64 = 3600
    /// Our clock may be ahead of Google's, who refuse tokens of the future.
    private static let skewSeconds: Int64 = 30
    private static let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    private struct Header: Encodable {
        let alg = "RS256"
        let typ = "JWT"
        var kid: String?
    }

    private struct Claims: Encodable {
        var iss: String
        var sub: String?
        var aud: String?
        var scope: String
        var iat: Int64
        var exp: Int64
    }

    private let email: String
    private let keyID: String?
    private let key: RSASigningKey
    private let tokenURL: ServiceURL
    private let context: GoogleCredentialContext

    init(
        _ file: GoogleCredentialFile, _ context: GoogleCredentialContext
    ) throws(CredentialFailure) {
        email = try GoogleCredentialFile.required(file.clientEmail, "client_email")
        let pem = try GoogleCredentialFile.required(file.privateKey, "private_key")
        guard let key = RSASigningKey(pem: pem) else {
            throw CredentialFailure("'private_key' is no RSA key in PEM without a password")
        }
        self.key = key
        keyID = file.privateKeyID
        tokenURL = try GoogleURLRule.url(
            file.tokenURI ?? GoogleAuthorizedUser.tokenURL, "token_uri")
        self.context = context
    }

    /// GC-11: a token that we sign ourselves needs no network. Storage takes it.
    func credentials() throws(CredentialFailure) -> GoogleCredentials {
        let start = start()
        let text = try jwt(
            Claims(
                iss: email, sub: email, scope: GoogleScope.storage, iat: start,
                exp: start + Self.lifeSeconds))
        return GoogleCredentials(
            token: text, expiresAt: Timestamp(milliseconds: (start + Self.lifeSeconds) * 1000),
            signing: .key(key, email: email))
    }

    /// A token that Google gives for one of ours.
    func token() async throws(CredentialFailure) -> GoogleToken {
        let start = start()
        let assertion = try jwt(
            Claims(
                iss: email, aud: tokenURL.text, scope: GoogleScope.all, iat: start,
                exp: start + Self.lifeSeconds))
        let reply = try await context.requests.send(
            .form(tokenURL, [("grant_type", Self.grant), ("assertion", assertion)]))
        return try GoogleTokenReply.token(
            in: reply, of: "the token service",
            advice: "check that the account and its key exist, and the clock of this machine",
            now: context.clock.now())
    }

    private func start() -> Int64 {
        // Whole seconds; no clock shows a time at which this could overflow.
        (context.clock.now().milliseconds / 1000) &- Self.skewSeconds
    }

    private func jwt(_ claims: Claims) throws(CredentialFailure) -> String {
        let header = try CredentialDocument.encode(Header(kid: keyID))
        let body = try CredentialDocument.encode(claims)
        let text =
            Base64.urlText(of: Array(header.utf8)) + "." + Base64.urlText(of: Array(body.utf8))
        do throws(BlobError) {
            return "\(text).\(Base64.urlText(of: try key.signature(of: text)))"
        } catch {
            throw CredentialFailure(error.message)
        }
    }
}
