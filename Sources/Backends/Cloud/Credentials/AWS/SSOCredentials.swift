internal import Backends
internal import BlobCore
internal import COpenSSL

/// Credentials for the token that `aws sso login` left in its cache. The token itself is not
/// renewed here: that takes a browser, or a registration that belongs to the AWS command line.
struct SSOCredentials: Sendable {
    let context: AWSCredentialContext

    func fetch(
        _ profile: Profile, in profiles: ProfileSet
    ) async throws(CredentialFailure) -> AWSCredentials {
        var settings = profile
        var cacheName = profile["sso_start_url"]
        if let sessionName = profile["sso_session"] {
            guard let session = profiles.session(sessionName) else {
                throw CredentialFailure("there is no section [sso-session \(sessionName)]")
            }
            settings = session
            cacheName = sessionName
        }
        guard let cacheName, let region = settings["sso_region"],
            let account = profile["sso_account_id"], let role = profile["sso_role_name"]
        else {
            throw CredentialFailure(
                "profile '\(profile.name)' needs sso_region, sso_account_id and sso_role_name")
        }
        let token = try await cachedToken(cacheName, profile)
        var request = HTTPRequest(.get, "")
        let query = SigV4.canonicalQuery([("account_id", account), ("role_name", role)])
        request.url = try endpoint(region) + "/federation/credentials?" + query
        request.headers.append("x-amz-sso_bearer_token", token)
        let reply = try await context.requests.send(request)
        guard reply.status == 200 else {
            throw CredentialFailure(
                "the single sign-on portal refused with status \(reply.status);"
                    + Self.advice(profile),
                isTransient: CredentialRequests.asksForAnother(reply.status))
        }
        let document = CredentialDocument.decode(
            AWSCredentialDocuments.SSOReply.self, from: reply.body)
        guard let document else {
            throw CredentialFailure("the single sign-on portal gave an answer without credentials")
        }
        return document.credentials
    }

    private static func advice(_ profile: Profile) -> String {
        " run 'aws sso login --profile \(profile.name)'"
    }

    private func cachedToken(
        _ cacheName: String, _ profile: Profile
    ) async throws(CredentialFailure) -> String {
        let name = Self.hexSHA1(of: cacheName)
        let path = context.environment.expanded("~/.aws/sso/cache/\(name).json")
        guard let text = try await context.files.text(at: path) else {
            throw CredentialFailure("nobody is signed in;" + Self.advice(profile))
        }
        let document = CredentialDocument.decode(
            AWSCredentialDocuments.SSOToken.self, from: Bytes(utf8: text))
        guard let document, let expiry = Self.time(document.expiresAt),
            document.accessToken.utf8.allSatisfy(ASCII.isVisible)
        else { throw CredentialFailure("the cached token is damaged;" + Self.advice(profile)) }
        guard expiry > context.clock.now() else {
            throw CredentialFailure("the cached token has expired;" + Self.advice(profile))
        }
        return document.accessToken
    }

    /// Old versions of the command line wrote "2020-06-17T10:02:08UTC".
    private static func time(_ text: String) -> Timestamp? {
        Timestamp(iso8601: text.hasSuffix("UTC") ? text.dropLast(3) + "Z" : text)
    }

    private func endpoint(_ region: String) throws(CredentialFailure) -> String {
        if let text = context.environment["AWS_ENDPOINT_URL_SSO"] {
            guard let url = ServiceURL(text), url.query == nil, url.path == "/" else {
                throw CredentialFailure("AWS_ENDPOINT_URL_SSO is no http or https URL of a host")
            }
            return String(url.text.dropLast())
        }
        return "https://\(try AWSHost.regional("portal.sso", region: region))"
    }

    /// Names a file here and protects nothing.
    private static func hexSHA1(of text: String) -> String {
        var text = text
        var digest = [UInt8](repeating: 0, count: 20)
        var byteCount: UInt32 = 0
        _ = text.withUTF8 {
            EVP_Digest($0.baseAddress, $0.count, &digest, &byteCount, EVP_sha1(), nil)
        }
        return HexText.text(of: digest)
    }
}
