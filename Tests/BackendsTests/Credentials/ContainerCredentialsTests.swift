import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// The endpoints of ECS and EKS.
@Suite(.timeLimit(.minutes(10))) struct ContainerCredentialsTests {
    @Test("ECS: a path at the link-local address, without a proxy")
    func relative() async throws {
        var fixture = try CredentialFixture()
        fixture.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/1?a=b"
        fixture.http = ScriptedHTTP([
            "GET http://169.254.170.2/v2/credentials/1?a=b": fixture.keysReply("CONTAINER")
        ])
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "CONTAINER" && keys.sessionToken == "document-token")
        #expect(keys.expiresAt?.milliseconds == fixture.time.now.milliseconds + 3_600_000)
        let request = try #require(fixture.http.requests.first)
        #expect(!request.usesProxy && request.headers.fields.isEmpty)
    }

    @Test("EKS: a token from a file that is read anew each time")
    func tokenFile() async throws {
        var fixture = try CredentialFixture()
        try fixture.directory.write("first\n", to: "token")
        fixture.variables = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "\(fixture.directory.path)/token",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "ignored",
        ]
        fixture.http = ScriptedHTTP([
            "GET http://169.254.170.23/v1/credentials": fixture.keysReply("EKS")
        ])
        let chain = fixture.chain()
        let keys = try await chain.credentials()
        try fixture.directory.write("second", to: "token")
        chain.invalidate(keys)
        _ = try await chain.credentials()
        #expect(fixture.http.requests.map { $0.headers["authorization"] } == ["first", "second"])
    }

    @Test("A token from a variable, to any https endpoint")
    func token() async throws {
        var fixture = try CredentialFixture()
        fixture.variables = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://vault.example.com/creds",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x",
        ]
        fixture.http = ScriptedHTTP([
            "GET https://vault.example.com/creds": fixture.keysReply("VAULT")
        ])
        #expect(try await fixture.chain().credentials().accessKeyID == "VAULT")
        #expect(fixture.http.requests.first?.headers["authorization"] == "Bearer x")
    }

    @Test(
        "No token goes where it must not",
        arguments: [
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/"],
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1@example.com/"],
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "file:///etc/passwd"],
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@example.com/"],
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": ".example.com/"],
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/a b"],
            [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/a",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "hush\r\nx: y",
            ],
            [
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/a",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token",
            ],
        ])
    func refused(variables: [String: String]) async throws {
        var fixture = try CredentialFixture()
        fixture.variables = variables
        fixture.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] =
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "hush"
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("container") && !message.contains("hush"))
        #expect(fixture.http.requests.isEmpty)
    }

    @Test(
        "Hostile documents",
        arguments: [
            "", "null", "[]", "{}", "\"hush\"", "{\"AccessKeyId\": \"a\"}",
            "{\"AccessKeyId\": 1, \"SecretAccessKey\": \"hush\"}",
            "{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"hush\", \"Expiration\": \"later\"}",
            "{\"AccessKeyId\": \"\", \"SecretAccessKey\": \"hush\"}",
            "{\"AccessKeyId\": \"\\ud800\", \"SecretAccessKey\": \"hush\"}", "\u{0}", "{\"a\":",
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 40_000),
            String(repeating: " ", count: 300_000),
        ])
    func hostile(text: String) async throws {
        var fixture = try CredentialFixture()
        fixture.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/a"
        fixture.http = ScriptedHTTP(["GET http://169.254.170.2/a": fixture.reply(text)])
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("container") && !message.contains("hush"))
    }

    @Test("A status is told, and asked again when that can help")
    func status() async throws {
        for (status, count) in [(404, 1), (500, 3)] {
            var fixture = try CredentialFixture()
            fixture.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/a"
            fixture.http = ScriptedHTTP([
                "GET http://169.254.170.2/a": fixture.reply("hush", status: status)
            ])
            let message = await authenticationFailure(of: fixture.chain())
            #expect(message.contains("status \(status)") && !message.contains("hush"))
            #expect(fixture.http.requests.count == count)
        }
    }
}
