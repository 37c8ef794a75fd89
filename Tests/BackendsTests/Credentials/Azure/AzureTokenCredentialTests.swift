import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Tokens for applications and for machines.
@Suite(.timeLimit(.minutes(10))) struct AzureTokenCredentialTests {
    private static let metadata = "http://169.254.169.254/metadata/identity/oauth2/token"
    private static let resource = "resource=https%3A%2F%2Fstorage.azure.com%2F"

    private func application(_ change: (inout [String: String]) -> Void = { _ in }) throws
        -> CredentialFixture
    {
        var fixture = try CredentialFixture()
        fixture.variables = [
            "AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client",
            "AZURE_CLIENT_SECRET": "hush+secret",
        ]
        change(&fixture.variables)
        return fixture
    }

    @Test("A client secret becomes a token")
    func clientSecret() async throws {
        var fixture = try application()
        let reply = fixture.tokenReply("entra-token")
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let credentials = try await fixture.azureChain().credentials()
        #expect(credentials.tokenText == "entra-token")
        #expect(
            credentials.expiresAt?.milliseconds == fixture.time.now.milliseconds + 3_600_000)
        let request = try #require(fixture.http.requests.first)
        #expect(
            request.url == "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token")
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
        #expect(
            request.bodyText
                == "grant_type=client_credentials&client_id=client"
                + "&scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_secret=hush%2Bsecret")
        let explicit = AzureClientSecret(tenantID: "t", clientID: "c", secret: "s")
        fixture.variables = [:]
        let chain = try fixture.azureChain(.clientSecret(explicit))
        #expect(try await chain.credentials().tokenText == "entra-token")
        #expect(fixture.http.requests.last?.bodyText.hasSuffix("client_secret=s") == true)
        #expect("\(explicit)" == "AzureClientSecret(REDACTED)")
    }

    @Test(
        "Secrets go to https only, or to loopback",
        arguments: [
            ("https://login.microsoftonline.us/", "https://login.microsoftonline.us/tenant-1/"),
            ("login.chinacloudapi.cn", "https://login.chinacloudapi.cn/tenant-1/"),
            ("http://127.0.0.1:99", "http://127.0.0.1:99/tenant-1/"),
            ("http://login.example", nil), ("https://user@login.example", nil),
            ("https://login.example/?x=1", nil),
        ] as [(String, String?)])
    func authorityHost(text: String, expected: String?) async throws {
        var fixture = try application { $0["AZURE_AUTHORITY_HOST"] = text }
        let reply = fixture.tokenReply("t")
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let chain = try fixture.azureChain()
        if let expected {
            _ = try await chain.credentials()
            #expect(fixture.http.requests.first?.url == expected + "oauth2/v2.0/token")
        } else {
            #expect(await azureFailure(of: chain).contains("AZURE_AUTHORITY_HOST must be"))
            #expect(fixture.http.requests.isEmpty)
        }
    }

    @Test("Half of the settings is an error, not a reason to look elsewhere")
    func halves() async throws {
        for missing in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"] {
            let message = await azureFailure(
                of: try application { $0[missing] = nil }.azureChain())
            #expect(message.contains("AZURE_CLIENT_SECRET is set, \(missing) is not"))
        }
        let message = await azureFailure(
            of: try application { $0["AZURE_TENANT_ID"] = "a/b" }.azureChain())
        #expect(message.contains("no tenant has"))
    }

    @Test("A refusal is told by its codes, never by its text (CM-08)")
    func refusal() async throws {
        var fixture = try application()
        let reply = fixture.reply(
            """
            {"error": "invalid_client", "error_codes": [7000215],
             "error_description": "AADSTS7000215: Invalid client secret hush+secret."}
            """, status: 401)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let message = await azureFailure(of: try fixture.azureChain())
        #expect(message.contains("status 401 (invalid_client, AADSTS7000215)"))
        #expect(!message.contains("hush"))
        #expect(fixture.http.requests.count == 1)
    }

    @Test(
        "Answers that hold no token",
        arguments: [
            "", "{}", "[]", #"{"access_token": "t"}"#, #"{"expires_in": 60}"#,
            #"{"access_token": "", "expires_in": 60}"#,
            #"{"access_token": "a\nb", "expires_in": 60}"#,
            #"{"access_token": "t", "expires_in": "soon"}"#,
        ])
    func noToken(text: String) async throws {
        var fixture = try application()
        let reply = fixture.reply(text)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        #expect(await azureFailure(of: try fixture.azureChain()).contains("has no token"))
    }

    @Test("Numbers of any size are no trap")
    func numbers() throws {
        let now = Timestamp(milliseconds: 1_795_475_758_000)
        for (text, isExpired) in [
            (#""expires_in": 9223372036854775807"#, false),
            (#""expires_in": "-9223372036854775808""#, true),
            (#""expires_on": 9223372036854775807"#, false),
            (#""expires_on": "-9223372036854775808""#, true),
        ] {
            let body = Bytes(utf8: #"{"access_token": "t", \#(text)}"#)
            let document = CredentialDocument.decode(AzureTokenDocument.self, from: body)
            let end = try #require(document?.credentials(now: now)?.expiresAt)
            #expect((end <= now) == isExpired)
        }
    }

    @Test("A workload's token is read from its file each time")
    func workloadIdentity() async throws {
        var fixture = try application { $0["AZURE_CLIENT_SECRET"] = nil }
        fixture.variables["AZURE_FEDERATED_TOKEN_FILE"] = "\(fixture.directory.path)/token"
        let reply = fixture.tokenReply("workload", expiresIn: 60)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let chain = try fixture.azureChain()
        #expect(await azureFailure(of: chain).contains("there is no token file"))
        fixture.time.advance(seconds: 10)
        for token in ["first", "second"] {
            try fixture.directory.write("\(token)\n", to: "token")
            #expect(try await chain.credentials().tokenText == "workload")
            let form = try #require(fixture.http.requests.last?.bodyText)
            #expect(form.hasSuffix("&client_assertion=\(token)"))
            #expect(
                form.contains(
                    "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type"
                        + "%3Ajwt-bearer"))
            fixture.time.advance(seconds: 61)
        }
        try fixture.directory.write(" \n", to: "token")
        #expect(await azureFailure(of: chain).contains("is empty"))
    }

    @Test("App Service: its endpoint, its header, no proxy")
    func applicationService() async throws {
        var fixture = try CredentialFixture()
        fixture.variables = [
            "IDENTITY_ENDPOINT": "http://127.0.0.1:41234/msi/token", "IDENTITY_HEADER": "proof",
        ]
        let url = "http://127.0.0.1:41234/msi/token?api-version=2019-08-01&\(Self.resource)"
        fixture.http = ScriptedHTTP([
            "GET \(url)": fixture.machineReply("system"),
            "GET \(url)&client_id=client": fixture.machineReply("client"),
            "GET \(url)&mi_res_id=%2Fid": fixture.machineReply("resource"),
        ])
        let credentials = try await fixture.azureChain().credentials()
        #expect(credentials.tokenText == "system")
        #expect(credentials.expiresAt?.milliseconds == fixture.time.now.milliseconds + 3_600_000)
        let request = try #require(fixture.http.requests.first)
        #expect(request.headers["x-identity-header"] == "proof" && !request.usesProxy)
        let explicit = try fixture.azureChain(.managedIdentity(.resourceID("/id")))
        #expect(try await explicit.credentials().tokenText == "resource")
        fixture.variables["AZURE_CLIENT_ID"] = "client"
        #expect(try await fixture.azureChain().credentials().tokenText == "client")
        fixture.variables["IDENTITY_ENDPOINT"] = "http://example.org/msi/token"
        #expect(await azureFailure(of: try fixture.azureChain()).contains("must be https"))
        fixture.variables["IDENTITY_HEADER"] = nil
        #expect(await azureFailure(of: try fixture.azureChain()).contains("IDENTITY_HEADER is not"))
    }

    @Test("The metadata service, and which identity of the machine")
    func instanceMetadata() async throws {
        var fixture = try CredentialFixture()
        let query = "?api-version=2018-02-01&\(Self.resource)"
        fixture.http = ScriptedHTTP([
            "GET \(Self.metadata)\(query)": fixture.machineReply("system"),
            "GET \(Self.metadata)\(query)&object_id=o%201": fixture.machineReply("object"),
            "GET \(Self.metadata)\(query)&msi_res_id=%2Fid": fixture.machineReply("resource"),
            "GET \(Self.metadata)\(query)&client_id=c": fixture.machineReply("client"),
            "GET http://127.0.0.1:1/metadata/identity/oauth2/token\(query)":
                fixture.machineReply("test"),
        ])
        #expect(try await fixture.azureChain().credentials().tokenText == "system")
        let request = try #require(fixture.http.requests.first)
        #expect(request.headers["metadata"] == "true" && !request.usesProxy)
        #expect(request.timeouts.connect == .seconds(1))
        for (identity, token) in [
            (AzureManagedIdentity.objectID("o 1"), "object"), (.resourceID("/id"), "resource"),
            (.clientID("c"), "client"), (.systemAssigned, "system"),
        ] {
            let chain = try fixture.azureChain(.managedIdentity(identity))
            #expect(try await chain.credentials().tokenText == token)
        }
        fixture.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1"
        #expect(try await fixture.azureChain().credentials().tokenText == "test")
    }

    @Test("A machine without an identity, and one that does not have the one asked for")
    func noIdentity() async throws {
        var fixture = try CredentialFixture()
        let reply = fixture.reply(
            #"{"error": "invalid_request", "error_description": "hush"}"#, status: 400)
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in reply }
        let absence = await azureFailure(of: try fixture.azureChain())
        #expect(absence.contains("has no identity for this machine (invalid_request)"))
        #expect(absence.contains("set AZURE_STORAGE_CONNECTION_STRING"))
        let failure = await azureFailure(
            of: try fixture.azureChain(.managedIdentity(.clientID("c"))))
        #expect(failure.contains("answered with status 400 (invalid_request)"))
        #expect(!(absence + failure).contains("hush"))
        let failures = ScriptedFailures(2)
        let token = fixture.machineReply("late")
        fixture.http = ScriptedHTTP { _ throws(HTTPFailure) in
            try failures.next()
            return token
        }
        #expect(try await fixture.azureChain().credentials().tokenText == "late")
    }
}
