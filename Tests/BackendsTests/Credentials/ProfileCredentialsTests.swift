import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What profiles can say.
@Suite(.timeLimit(.minutes(10))) struct ProfileCredentialsTests {
    @Test("Keys of the default profile, of a named one, and of files elsewhere")
    func keys() async throws {
        var fixture = try CredentialFixture()
        try fixture.credentialsFile(
            """
            [default]
            aws_access_key_id = DEFAULT
            aws_secret_access_key = s
            [named]
            aws_access_key_id = NAMED
            aws_secret_access_key = s
            aws_session_token = t
            """)
        #expect(try await fixture.chain().credentials().accessKeyID == "DEFAULT")
        fixture.variables["AWS_PROFILE"] = "named"
        #expect(try await fixture.chain().credentials().accessKeyID == "NAMED")
        #expect(try await fixture.chain().credentials().sessionToken == "t")
        try fixture.directory.write(
            "[named]\naws_access_key_id=ELSEWHERE\naws_secret_access_key=s", to: "x/keys")
        fixture.variables["AWS_SHARED_CREDENTIALS_FILE"] = "~/x/keys"
        #expect(try await fixture.chain().credentials().accessKeyID == "ELSEWHERE")
    }

    @Test("A configured profile wins over the environment and is the only one asked")
    func configured() async throws {
        var fixture = try CredentialFixture()
        try fixture.config(
            "[profile p]\naws_access_key_id=P\naws_secret_access_key=s\n[profile empty]\n")
        fixture.variables = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"]
        fixture.profileName = "p"
        #expect(try await fixture.chain().credentials().accessKeyID == "P")
        fixture.profileName = "empty"
        #expect(await authenticationFailure(of: fixture.chain()).contains("profile 'empty'"))
        fixture.profileName = "missing"
        #expect(await authenticationFailure(of: fixture.chain()).contains("profile 'missing'"))
        #expect(fixture.http.requests.isEmpty)
    }

    @Test("Keys that were replaced in the file are found after a refusal (S3-18)")
    func replacedKeys() async throws {
        let fixture = try CredentialFixture()
        try fixture.credentialsFile("[default]\naws_access_key_id=A\naws_secret_access_key=s")
        let chain = fixture.chain()
        let first = try await chain.credentials()
        try fixture.credentialsFile("[default]\naws_access_key_id=B\naws_secret_access_key=s")
        #expect(try await chain.credentials().accessKeyID == "A")
        chain.invalidate(first)
        #expect(try await chain.credentials().accessKeyID == "B")
    }

    @Test("A role is taken on with the keys of its source, signed, with all its settings")
    func role() async throws {
        var fixture = try CredentialFixture()
        try fixture.config(
            """
            [profile role]
            role_arn = arn:aws:iam::1:role/r
            source_profile = keys
            external_id = e/1
            role_session_name = session
            duration_seconds = 900
            region = eu-west-1
            [profile keys]
            aws_access_key_id = BASE
            aws_secret_access_key = s
            aws_session_token = base-token
            """)
        fixture.variables["AWS_PROFILE"] = "role"
        fixture.http = ScriptedHTTP([
            "POST https://sts.eu-west-1.amazonaws.com/": fixture.roleReply("ROLE")
        ])
        #expect(try await fixture.chain().credentials().accessKeyID == "ROLE")
        let request = try #require(fixture.http.requests.first)
        #expect(
            request.bodyText
                == "Action=AssumeRole&DurationSeconds=900&ExternalId=e%2F1"
                + "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=session"
                + "&Version=2011-06-15")
        let authorization = try #require(request.headers["authorization"])
        #expect(authorization.contains("Credential=BASE/20261123/eu-west-1/sts/aws4_request"))
        #expect(
            authorization.contains(
                "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token")
        )
        #expect(request.headers["x-amz-security-token"] == "base-token")
    }

    @Test("Roles may follow on one another, and a profile may be its own source")
    func roleChain() async throws {
        var fixture = try CredentialFixture()
        try fixture.config(
            """
            [profile a]
            role_arn = role-a
            source_profile = b
            [profile b]
            role_arn = role-b
            source_profile = b
            aws_access_key_id = BASE
            aws_secret_access_key = s
            """)
        fixture.variables["AWS_PROFILE"] = "a"
        let (first, second) = (fixture.roleReply("FIRST"), fixture.roleReply("SECOND"))
        fixture.http = ScriptedHTTP { request throws(HTTPFailure) in
            request.bodyText.contains("role-b") ? first : second
        }
        #expect(try await fixture.chain().credentials().accessKeyID == "SECOND")
        let signers = fixture.http.requests.map { $0.headers["authorization"] ?? "" }
        #expect(signers.count == 2)
        #expect(signers[0].contains("Credential=BASE/"))
        #expect(signers[1].contains("Credential=FIRST/"))
    }

    @Test(
        "Profiles that cannot work say why",
        arguments: [
            (
                "role_arn = r\nsource_profile = b\n[profile b]\nrole_arn=r\nsource_profile = a",
                "circle"
            ),
            ("role_arn = r\nsource_profile = a", "circle"),
            ("role_arn = r\nsource_profile = gone", "'gone'"),
            ("role_arn = r\nsource_profile = b\n[profile b]\nregion = x", "names no credentials"),
            ("role_arn = r", "source_profile"),
            ("role_arn = r\ncredential_source = Mars", "Ec2InstanceMetadata"),
            ("role_arn = r\ncredential_source = Environment", "AWS_ACCESS_KEY_ID"),
            ("role_arn = r\nmfa_serial = m\nsource_profile = b", "second factor"),
            ("role_arn = r\nduration_seconds = 1e9\nsource_profile = b", "duration_seconds"),
            ("aws_access_key_id = hush", "only one of"),
            ("sso_session = none", "[sso-session none]"),
            ("sso_start_url = https://x", "sso_region"),
        ])
    func impossible(properties: String, words: String) async throws {
        var fixture = try CredentialFixture()
        try fixture.config("[profile a]\n\(properties)\n")
        fixture.variables["AWS_PROFILE"] = "a"
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains(words), "\(message)")
        #expect(!message.contains("hush"))
        #expect(fixture.http.requests.isEmpty)
    }

    @Test("The source of a role may be the environment or a container")
    func credentialSource() async throws {
        var fixture = try CredentialFixture()
        try fixture.config("[profile a]\nrole_arn = r\ncredential_source = EcsContainer\n")
        fixture.variables = [
            "AWS_PROFILE": "a", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1",
        ]
        fixture.http = ScriptedHTTP([
            "GET http://169.254.170.2/v2/credentials/1": fixture.keysReply("CONTAINER"),
            "POST https://sts.amazonaws.com/": fixture.roleReply("ROLE"),
        ])
        #expect(try await fixture.chain().credentials().accessKeyID == "ROLE")
        let authorization = fixture.http.requests.last?.headers["authorization"]
        #expect(authorization?.contains("Credential=CONTAINER/") == true)
    }

    @Test("A profile may name a token file")
    func webIdentity() async throws {
        var fixture = try CredentialFixture()
        try fixture.directory.write("tok", to: "token")
        try fixture.config(
            "[default]\nrole_arn = r\nweb_identity_token_file = ~/token\nregion = eu-west-2\n")
        fixture.http = ScriptedHTTP([
            "POST https://sts.eu-west-2.amazonaws.com/":
                fixture.roleReply("ROLE", action: "AssumeRoleWithWebIdentity")
        ])
        #expect(try await fixture.chain().credentials().accessKeyID == "ROLE")
    }

    @Test("The region of the configuration, the environment, the profile")
    func region() async throws {
        var fixture = try CredentialFixture()
        #expect(try await AWSRegionSource(context: fixture.context).region() == nil)
        try fixture.config("[default]\nregion = profile\n")
        #expect(try await AWSRegionSource(context: fixture.context).region() == "profile")
        fixture.variables["AWS_DEFAULT_REGION"] = "old"
        #expect(try await AWSRegionSource(context: fixture.context).region() == "old")
        fixture.variables["AWS_REGION"] = "new"
        #expect(try await AWSRegionSource(context: fixture.context).region() == "new")
        fixture.region = "configured"
        #expect(try await AWSRegionSource(context: fixture.context).region() == "configured")
    }
}
