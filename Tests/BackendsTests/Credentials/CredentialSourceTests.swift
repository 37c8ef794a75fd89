import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Explicit keys, the environment, and a web identity.
@Suite(.timeLimit(.minutes(10))) struct CredentialSourceTests {
    private let tokenAction = "AssumeRoleWithWebIdentity"

    private func webIdentity(_ token: String = "header.payload.signature\n") throws
        -> CredentialFixture
    {
        var fixture = try CredentialFixture()
        try fixture.directory.write(token, to: "token")
        fixture.variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "\(fixture.directory.path)/token",
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_REGION": "eu-central-1",
        ]
        return fixture
    }

    @Test("Explicit keys win over everything and are fetched from nowhere")
    func explicit() async throws {
        var fixture = try CredentialFixture()
        fixture.variables["AWS_ACCESS_KEY_ID"] = "environment"
        let keys = AWSCredentials(accessKeyID: "explicit", secretAccessKey: "s")
        let chain = fixture.chain(explicit: keys)
        #expect(try await chain.credentials() == keys)
        chain.invalidate(keys)
        #expect(try await chain.credentials() == keys)
        #expect(fixture.http.requests.isEmpty)
    }

    @Test("Keys of the environment")
    func environment() async throws {
        var fixture = try CredentialFixture()
        fixture.variables = [
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
            "AWS_CREDENTIAL_EXPIRATION": fixture.time.text(in: 60),
        ]
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "AKID" && keys.secretAccessKey == "s")
        #expect(keys.sessionToken == "t")
        #expect(keys.expiresAt?.milliseconds == fixture.time.now.milliseconds + 60_000)
        fixture.variables["AWS_SESSION_TOKEN"] = ""
        #expect(try await fixture.chain().credentials().sessionToken == nil)
    }

    @Test("Half of a key pair is an error, not a reason to look elsewhere")
    func halfAPair() async throws {
        var fixture = try CredentialFixture()
        try fixture.credentialsFile("[default]\naws_access_key_id=a\naws_secret_access_key=b")
        for (variable, other) in [
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ] {
            fixture.variables = [variable: "hush"]
            let message = await authenticationFailure(of: fixture.chain())
            #expect(message.contains("\(other) is not"))
            #expect(!message.contains("hush"))
        }
    }

    @Test("A web identity is exchanged at the regional endpoint, its token read anew each time")
    func webIdentityRotation() async throws {
        var fixture = try webIdentity()
        let reply = fixture.roleReply("ROLE", action: tokenAction)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let chain = fixture.chain()
        let keys = try await chain.credentials()
        #expect(keys.accessKeyID == "ROLE" && keys.sessionToken == "role-token")
        #expect(keys.expiresAt?.milliseconds == fixture.time.now.milliseconds + 3_600_000)
        let first = try #require(fixture.http.requests.first)
        #expect(first.method == .post && first.url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(first.headers["authorization"] == nil)
        let form = first.bodyText
        #expect(form.contains("Action=AssumeRoleWithWebIdentity&"))
        #expect(form.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"))
        #expect(form.contains("WebIdentityToken=header.payload.signature"))
        #expect(form.contains("RoleSessionName=blobrpcd-"))

        try fixture.directory.write("second", to: "token")
        chain.invalidate(keys)
        _ = try await chain.credentials()
        #expect(fixture.http.requests.last?.bodyText.contains("WebIdentityToken=second") == true)
    }

    @Test("Endpoint, session name and region may be given")
    func webIdentitySettings() async throws {
        var fixture = try webIdentity()
        let reply = fixture.roleReply("ROLE", action: tokenAction)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        fixture.variables["AWS_ROLE_SESSION_NAME"] = "me"
        fixture.variables["AWS_REGION"] = nil
        _ = try await fixture.chain().credentials()
        #expect(fixture.http.requests.last?.url == "https://sts.amazonaws.com/")
        #expect(fixture.http.requests.last?.bodyText.contains("RoleSessionName=me") == true)
        fixture.variables["AWS_DEFAULT_REGION"] = "cn-north-1"
        _ = try await fixture.chain().credentials()
        #expect(fixture.http.requests.last?.url == "https://sts.cn-north-1.amazonaws.com.cn/")
        fixture.variables["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:8333"
        _ = try await fixture.chain().credentials()
        #expect(fixture.http.requests.last?.url == "http://127.0.0.1:8333/")
        fixture.variables["AWS_ENDPOINT_URL_STS"] = nil
        fixture.variables["AWS_DEFAULT_REGION"] = "evil.com/x"
        #expect(await authenticationFailure(of: fixture.chain()).contains("region"))
    }

    @Test(
        "A refusal of the token service is told by its name only",
        arguments: [
            (400, "ExpiredTokenException", BlobError.RetryClass.never),
            (403, "AccessDenied", .never),
            (503, "ServiceUnavailable", .backoff), (400, "IDPCommunicationError", .backoff),
        ])
    func refusal(status: Int, code: String, retry: BlobError.RetryClass) async throws {
        var fixture = try webIdentity()
        let reply = fixture.reply(
            """
            <ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code>
            <Message>header.payload.signature</Message></Error></ErrorResponse>
            """, status: status)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let chain = fixture.chain()
        let error = await expectError(.backendAuthentication) { _ = try await chain.credentials() }
        #expect(error?.message.contains("web identity") == true)
        #expect(error?.message.contains("\(status) (\(code))") == true)
        #expect(error?.message.contains("payload") == false)
        #expect(error?.retry == retry)
        #expect(fixture.http.requests.count == (status == 503 ? 3 : 1))
    }

    @Test(
        "Hostile answers of a token service",
        arguments: [
            "", "{}", "<", "<a/>", "<AssumeRoleResponse/>",
            "<R><XResult><Credentials/></XResult></R>",
            "<R><XResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>hush"
                + "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>soon</Expiration>"
                + "</Credentials></XResult></R>",
            "<!DOCTYPE a [<!ENTITY b \"hush\">]><a>&b;</a>",
            String(repeating: "<a>", count: 10_000), String(repeating: "x", count: 300_000),
        ])
    func hostileReply(text: String) async throws {
        var fixture = try webIdentity()
        let reply = fixture.reply(text)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let message = await authenticationFailure(of: fixture.chain())
        #expect(!message.contains("hush") && message.utf8.count < 1000)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in
            CredentialHTTPReply(status: 400, body: reply.body)
        }
        #expect(!(await authenticationFailure(of: fixture.chain())).contains("hush"))
    }

    @Test("A missing role or token file is named")
    func incomplete() async throws {
        var fixture = try webIdentity(" \n")
        #expect(await authenticationFailure(of: fixture.chain()).contains("token is empty"))
        fixture.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nowhere/token"
        #expect(await authenticationFailure(of: fixture.chain()).contains("/nowhere/token"))
        fixture.variables["AWS_ROLE_ARN"] = nil
        #expect(await authenticationFailure(of: fixture.chain()).contains("AWS_ROLE_ARN is not"))
    }

    @Test("A network that fails twice is tried a third time")
    func retries() async throws {
        var fixture = try webIdentity()
        let reply = fixture.roleReply("ROLE", action: tokenAction)
        let script = ScriptedFailures(2)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in
            try script.next()
            return reply
        }
        #expect(try await fixture.chain().credentials().accessKeyID == "ROLE")
        #expect(fixture.http.requests.count == 3)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in
            throw HTTPFailure(.tls(isCertificate: true), "the certificate is not valid")
        }
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("the certificate is not valid"))
        #expect(fixture.http.requests.count == 1)
    }
}
