import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Service accounts and people.
@Suite(.timeLimit(.minutes(10))) struct GoogleAccountTests {
    private static let token = "POST https://oauth2.googleapis.com/token"

    @Test("A service account signs its tokens itself, without any network (GC-11)")
    func selfSigned() async throws {
        let fixture = try CredentialFixture()
        let chain = try fixture.google(try GoogleFiles.serviceAccount())
        let credentials = try await chain.credentials()
        #expect(fixture.http.requests.isEmpty)
        let token = try ReadToken(credentials.token)
        #expect(token.header == ["alg": "RS256", "typ": "JWT", "kid": "key-1"])
        let now = fixture.time.now.milliseconds / 1000
        #expect(
            token.claims == [
                "iss": .text(CredentialFixture.googleEmail),
                "sub": .text(CredentialFixture.googleEmail),
                "scope": .text("https://www.googleapis.com/auth/devstorage.read_write"),
                "iat": .number(now - 30), "exp": .number(now + 3570),
            ])
        let account = try #require(GoogleSigningVectors.account)
        let key = try #require(RSASigningKey(pem: account.private_key))
        #expect(token.signature == Base64.urlText(of: try key.signature(of: token.signedText)))
        #expect(credentials.expiresAt?.milliseconds == (now + 3570) * 1000)
        // A new one is made in good time.
        fixture.time.advance(seconds: 3600)
        #expect(try await chain.credentials().token != credentials.token)
        guard case .key(_, let email) = credentials.signing else {
            Issue.record("the key does not sign")
            return
        }
        #expect(email == CredentialFixture.googleEmail)
    }

    @Test("A service account without a good key, or with an http token_uri, is refused")
    func badServiceAccounts() async throws {
        let fixture = try CredentialFixture()
        for (member, value, expected) in [
            ("private_key", "", "'private_key' is missing"),
            ("private_key", "-----BEGIN PRIVATE KEY-----\nsecret", "no RSA key in PEM"),
            ("client_email", "", "'client_email' is missing"),
            ("token_uri", "http://oauth2.googleapis.com/token", "must be an https URL"),
            ("token_uri", "token", "no http or https URL"),
        ] {
            var file = try GoogleFiles.serviceAccount()
            file[member] = .text(value)
            let message = await authenticationFailure(of: try fixture.google(file))
            #expect(message.contains(expected), "\(message)")
            #expect(!message.contains("secret"))
        }
    }

    @Test("A person's refresh token becomes an access token, which cannot sign (GC-06)")
    func authorizedUser() async throws {
        var fixture = try CredentialFixture()
        fixture.http = ScriptedHTTP([Self.token: fixture.tokenReply("token-1")])
        let chain = try fixture.google(GoogleFiles.authorizedUser)
        let credentials = try await chain.credentials()
        #expect(credentials.token == "token-1")
        #expect(
            credentials.expiresAt?.milliseconds == fixture.time.now.milliseconds + 3_600_000)
        let request = try #require(fixture.http.requests.first)
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
        #expect(
            request.bodyText == "client_id=client&client_secret=client-secret"
                + "&grant_type=refresh_token&refresh_token=refresh-secret")
        let failure = await expectError(.presign) {
            let signer = GoogleURLSigner(source: chain, pool: fixture.pool)
            _ = try await signer.url(
                GoogleV4Request(method: "GET", origin: "https://h", host: "h", encodedPath: "/b/k"),
                at: fixture.time.now, validSeconds: 60)
        }
        for part in [
            "a person's credentials cannot sign", "key file", "--impersonate-service-account",
        ] {
            #expect(failure?.message.contains(part) == true)
        }
    }

    @Test("A refusal is told by name, with what to do, and without what was sent")
    func refusal() async throws {
        var fixture = try CredentialFixture()
        fixture.http = ScriptedHTTP([
            Self.token: fixture.reply(
                """
                {"error": "invalid_grant", "error_description": "refresh-secret is bad"}
                """, status: 400)
        ])
        var message = await authenticationFailure(
            of: try fixture.google(GoogleFiles.authorizedUser))
        #expect(message.contains("status 400 (invalid_grant); log in again"))
        #expect(!message.contains("secret"))
        #expect(fixture.http.requests.count == 1)
        for text in [
            "{}", "", "{\"access_token\": \"a b\", \"expires_in\": 1}", "[1]",
            "{\"access_token\": \"a\"}",
            "{\"access_token\": \"a\", \"expires_in\": 9223372036854775807}",
            "{\"access_token\": \"a\", \"expires_in\": -9223372036854775808}",
        ] {
            fixture.http = ScriptedHTTP([Self.token: fixture.reply(text)])
            message = await authenticationFailure(
                of: try fixture.google(GoogleFiles.authorizedUser))
            #expect(message.contains("an answer without a token"), "\(message)")
        }
        fixture.http = ScriptedHTTP([Self.token: fixture.reply("", status: 503)])
        let failure = await expectError(.backendAuthentication) {
            _ = try await fixture.google(GoogleFiles.authorizedUser).credentials()
        }
        #expect(failure?.retry == .backoff)
        #expect(fixture.http.requests.count == 3)
    }
}
