import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The token that `aws sso login` left behind.
@Suite(.timeLimit(.minutes(10))) struct SSOCredentialsTests {
    /// The SHA-1 of "my-session", as sha1sum gives it.
    private static let sessionCache = "9e28173066ce536e277c5fb355efd9c64f398167"
    /// That of "https://x.awsapps.com/start".
    private static let legacyCache = "3947de8b16688092197fa616c34e01335f21d256"
    private static let reply = """
        {"roleCredentials": {"accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t",
         "expiration": 1795479358000}}
        """

    private func fixture(expiresIn seconds: Int64 = 3600, legacy: Bool = false) throws
        -> CredentialFixture
    {
        var fixture = try CredentialFixture()
        fixture.variables["AWS_PROFILE"] = "p"
        let role = "sso_account_id = 123\nsso_role_name = reader\n"
        if legacy {
            try fixture.config(
                "[profile p]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n"
                    + role)
        } else {
            try fixture.config(
                "[profile p]\nsso_session = my-session\n\(role)[sso-session my-session]\n"
                    + "sso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n")
        }
        let name = legacy ? Self.legacyCache : Self.sessionCache
        var end = fixture.time.text(in: seconds)
        if legacy { end = String(end.prefix(19)) + "UTC" }
        try fixture.directory.write(
            "{\"accessToken\": \"sso-token\", \"expiresAt\": \"\(end)\"}",
            to: ".aws/sso/cache/\(name).json")
        fixture.http = ScriptedHTTP([
            "GET https://portal.sso.eu-west-1.amazonaws.com/federation/credentials"
                + "?account_id=123&role_name=reader": fixture.reply(Self.reply)
        ])
        return fixture
    }

    @Test("The cached token is exchanged for keys, in both forms of the profile")
    func exchange() async throws {
        for legacy in [false, true] {
            let fixture = try fixture(legacy: legacy)
            let keys = try await fixture.chain().credentials()
            #expect(keys.accessKeyID == "SSO" && keys.sessionToken == "t")
            #expect(keys.expiresAt == Timestamp(milliseconds: 1_795_479_358_000))
            let request = try #require(fixture.http.requests.first)
            #expect(request.headers["x-amz-sso_bearer_token"] == "sso-token")
        }
    }

    @Test("Who is not signed in is told what to run")
    func expired() async throws {
        let fixture = try fixture(expiresIn: -1)
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("expired") && message.contains("aws sso login --profile p"))
        #expect(fixture.http.requests.isEmpty)
        try fixture.config(
            "[profile p]\nsso_start_url=y\nsso_region=r\nsso_account_id=1\nsso_role_name=r")
        #expect(await authenticationFailure(of: fixture.chain()).contains("nobody is signed in"))
    }

    @Test("A damaged cache, a refusal and hostile answers")
    func failures() async throws {
        var fixture = try fixture()
        for (text, status) in [("hush", 200), ("{}", 200), ("hush", 401), ("hush", 500)] {
            let reply = fixture.reply(text, status: status)
            fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
            let message = await authenticationFailure(of: fixture.chain())
            #expect(message.contains("portal") && !message.contains("hush"))
        }
        for text in [
            "", "{", "{\"accessToken\": \"a\\nb\", \"expiresAt\": \"2099-01-01T00:00:00Z\"}",
        ] {
            try fixture.directory.write(text, to: ".aws/sso/cache/\(Self.sessionCache).json")
            #expect(await authenticationFailure(of: fixture.chain()).contains("damaged"))
        }
    }
}
