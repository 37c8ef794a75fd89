import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Version 2 of the metadata service of EC2, and the end of the chain.
@Suite(.timeLimit(.minutes(10))) struct InstanceMetadataTests {
    private static let base = "http://169.254.169.254/latest/"
    private static let roles = "meta-data/iam/security-credentials/"

    private func fixture(
        base: String = Self.base, _ change: (inout [String: CredentialHTTPReply]) -> Void = { _ in }
    ) throws -> CredentialFixture {
        var fixture = try CredentialFixture()
        var replies = [
            "PUT \(base)api/token": fixture.reply("metadata-token"),
            "GET \(base)\(Self.roles)": fixture.reply("role+1\nother\n"),
            "GET \(base)\(Self.roles)role%2B1": fixture.keysReply("INSTANCE"),
        ]
        change(&replies)
        fixture.http = ScriptedHTTP(replies)
        return fixture
    }

    @Test("A token is fetched, shown at every request, and no proxy is asked")
    func exchange() async throws {
        let fixture = try fixture()
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "INSTANCE" && keys.sessionToken == "document-token")
        let requests = fixture.http.requests
        #expect(requests.map(\.method) == [.put, .get, .get])
        #expect(requests[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
        for request in requests {
            #expect(!request.usesProxy && request.timeouts.connect == .seconds(1))
        }
        for request in requests.dropFirst() {
            #expect(request.headers["x-aws-ec2-metadata-token"] == "metadata-token")
        }
    }

    @Test("Endpoint and protocol may be given, and the service switched off")
    func settings() async throws {
        var other = try fixture(base: "http://127.0.0.1:1338/x/latest/")
        other.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338/x"
        #expect(try await other.chain().credentials().accessKeyID == "INSTANCE")
        var six = try fixture(base: "http://[fd00:ec2::254]/latest/")
        six.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "ipv6"
        #expect(try await six.chain().credentials().accessKeyID == "INSTANCE")
        var off = try fixture()
        off.variables["AWS_EC2_METADATA_DISABLED"] = "TRUE"
        let message = await authenticationFailure(of: off.chain())
        #expect(message.contains("AWS_EC2_METADATA_DISABLED is true"))
        #expect(off.http.requests.isEmpty)
    }

    @Test("Where no service answers, the error tells of every source and of the hop limit")
    func absent() async throws {
        let fixture = try CredentialFixture()
        let chain = fixture.chain()
        let message = await authenticationFailure(of: chain)
        for words in [
            "environment: AWS_ACCESS_KEY_ID is not set",
            "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set", "profile 'default': ",
            "container: ", "instance metadata: ", "hop limit",
        ] {
            #expect(message.contains(words), "\(message)")
        }
        #expect(fixture.http.requests.count == 3)
        _ = await authenticationFailure(of: chain)
        #expect(fixture.http.requests.count == 3, "the absence is remembered")
        fixture.time.advance(seconds: 10)
        _ = await authenticationFailure(of: chain)
        #expect(fixture.http.requests.count == 6)
    }

    @Test("No fall back to version 1, and no role")
    func refusals() async throws {
        let forbidden = try fixture { $0["PUT \(Self.base)api/token"]?.status = 403 }
        #expect(await authenticationFailure(of: forbidden.chain()).contains("status 403"))
        #expect(forbidden.http.requests.count == 1)
        let noRole = try fixture { $0["GET \(Self.base)\(Self.roles)"]?.status = 404 }
        #expect(await authenticationFailure(of: noRole.chain()).contains("has no role"))
        let failed = try fixture {
            $0["GET \(Self.base)\(Self.roles)role%2B1"]?.body = Bytes(
                utf8: "{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"hush\"}")
        }
        let message = await authenticationFailure(of: failed.chain())
        #expect(message.contains("(AssumeRoleUnauthorizedAccess)") && !message.contains("hush"))
    }

    @Test(
        "Hostile tokens and role names",
        arguments: ["", "\n", "a b", "a\u{0}", "é", "a\u{7F}", "\u{FFFD}"])
    func hostile(text: String) async throws {
        let token = try fixture { $0["PUT \(Self.base)api/token"]?.body = Bytes(utf8: text) }
        _ = await authenticationFailure(of: token.chain())
        #expect(token.http.requests.count == 1)
        let role = try fixture {
            $0["GET \(Self.base)\(Self.roles)"]?.body = Bytes(utf8: text)
        }
        _ = await authenticationFailure(of: role.chain())
        #expect(role.http.requests.count == 2)
    }

    @Test("A role name cannot lead elsewhere")
    func roleNameIsEncoded() async throws {
        let fixture = try fixture {
            $0["GET \(Self.base)\(Self.roles)"]?.body = Bytes(utf8: "../../user-data?x#y")
        }
        _ = await authenticationFailure(of: fixture.chain())
        let url = fixture.http.requests.last?.url ?? ""
        #expect(url == "\(Self.base)\(Self.roles)..%2F..%2Fuser-data%3Fx%23y")
    }

    @Test("Expired credentials are used for a while when the service has no new ones")
    func extension5Minutes() async throws {
        let stale = try CredentialFixture().keysReply("STALE", expiresIn: -60)
        let fixture = try fixture { $0["GET \(Self.base)\(Self.roles)role%2B1"] = stale }
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "STALE")
        #expect(keys.expiresAt?.milliseconds == fixture.time.now.milliseconds + 300_000)
    }

    @Test("The first source that is set up decides")
    func order() async throws {
        var fixture = try fixture()
        #expect(try await fixture.chain().credentials().accessKeyID == "INSTANCE")
        // A container that fails must not make us somebody else.
        fixture.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/a"
        #expect(await authenticationFailure(of: fixture.chain()).contains("from container"))
        try fixture.config("[default]\naws_access_key_id=PROFILE\naws_secret_access_key=s")
        #expect(try await fixture.chain().credentials().accessKeyID == "PROFILE")
        fixture.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/nowhere"
        #expect(await authenticationFailure(of: fixture.chain()).contains("from web identity"))
        fixture.variables["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT"
        fixture.variables["AWS_SECRET_ACCESS_KEY"] = "s"
        #expect(try await fixture.chain().credentials().accessKeyID == "ENVIRONMENT")
    }
}
