import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Connection strings, keys and SAS tokens, and the order in which sources are asked.
@Suite(.timeLimit(.minutes(10))) struct AzureStaticCredentialTests {
    private static let key = "c2VjcmV0LWtleS1ieXRlcw=="
    private static let sas = "sv=2023-11-03&se=2026-12-01T00%3A00Z&sp=r&sig=c2VjcmV0%3D"

    @Test(
        "Connection strings, in all their forms",
        arguments: [
            (
                "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=\(key);EndpointSuffix=core.windows.net",
                "https://acct.blob.core.windows.net", ""
            ),
            ("AccountName=acct;AccountKey=\(key)", "https://acct.blob.core.windows.net", ""),
            (
                " accountname = acct ;accountKEY=\(key);EndpointSuffix=core.chinacloudapi.cn;;\n",
                "https://acct.blob.core.chinacloudapi.cn", ""
            ),
            (
                "AccountName=acct;AccountKey=\(key);BlobEndpoint=http://127.0.0.1:1234/acct;QueueEndpoint=x",
                "http://127.0.0.1:1234", "/acct"
            ),
            (
                "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=\(sas)",
                "https://acct.blob.core.windows.net", ""
            ),
            (
                "DefaultEndpointsProtocol=http;AccountName=acct;SharedAccessSignature=?\(sas)",
                "http://acct.blob.core.windows.net", ""
            ),
        ])
    func connectionStrings(text: String, origin: String, path: String) throws {
        let parsed = try AzureConnectionString(text)
        #expect(parsed.endpoint.account == "acct")
        #expect(parsed.endpoint.origin == origin && parsed.endpoint.accountPath == path)
        if text.contains("Signature") {
            #expect(parsed.credentials.sasText == Self.sas)
        } else {
            #expect(parsed.credentials.keyAccount == "acct")
        }
        #expect(!"\(parsed)\(parsed.credentials)\(parsed.credentials.kind)".contains("c2Vj"))
    }

    @Test("The emulator's own account")
    func emulator() throws {
        let parsed = try AzureConnectionString("UseDevelopmentStorage=true;")
        #expect(parsed.endpoint.origin == "http://127.0.0.1:10000")
        #expect(parsed.endpoint.accountPath == "/devstoreaccount1")
        #expect(parsed.credentials.keyAccount == "devstoreaccount1")
    }

    @Test(
        "Connection strings that cannot be used are not repeated in the error (CM-08)",
        arguments: [
            "", "hush", "AccountKey=\(key)", "AccountName=acct", "AccountName=acct;AccountKey=no!",
            "AccountName=acct;AccountName=acct;AccountKey=\(key)", "UseDevelopmentStorage=false",
            "AccountName=acct;SharedAccessSignature=hush",
            "AccountName=other;AccountKey=\(key);BlobEndpoint=https://acct.blob.core.windows.net",
            "AccountName=a.b/hush#;AccountKey=\(key)", "BlobEndpoint=hush;AccountKey=\(key)",
        ])
    func brokenConnectionStrings(text: String) async throws {
        let error = #expect(throws: BlobError.self) { try AzureConnectionString(text) }
        #expect(error.map { "\($0)".contains("hush") || "\($0)".contains("c2Vj") } == false)
        // The environment's is an error too, and no reason to look elsewhere.
        if text.isEmpty { return }
        var fixture = try CredentialFixture()
        fixture.variables = [
            "AZURE_STORAGE_CONNECTION_STRING": text, "AZURE_STORAGE_KEY": Self.key,
        ]
        let message = await azureFailure(of: try fixture.azureChain())
        #expect(message.contains("connection string: ") && !message.contains("hush"))
    }

    @Test("SAS tokens end when they say so, in every form of time")
    func sasTokens() async throws {
        for (text, end) in [
            ("2026-12-01T00%3A00%3A00Z", 1_796_083_200_000),
            ("2026-12-01T00:00Z", 1_796_083_200_000),
            ("2026-12-01", 1_796_083_200_000), ("soon", nil),
        ] as [(String, Int64?)] {
            let credentials = try AzureCredentials.sasToken("?sv=1&se=\(text)&sig=x")
            #expect(credentials.expiresAt?.milliseconds == end)
        }
        for text in ["", "?", "hush", "sv=1", "sv=1&sig=", "sv=1&sig=x y", "sv=1&sig=x#", "sig=x"] {
            let error = #expect(throws: BlobError.self) { try AzureCredentials.sasToken(text) }
            #expect(error?.code == .backendAuthentication)
        }
        var fixture = try CredentialFixture()
        fixture.variables["AZURE_STORAGE_SAS_TOKEN"] = "sv=1&se=2020-01-01&sig=x"
        #expect(await azureFailure(of: try fixture.azureChain()).contains("expired"))
    }

    @Test("Each source is asked before the next")
    func order() async throws {
        var fixture = try CredentialFixture()
        try fixture.directory.write("assertion", to: "token")
        let token = fixture.tokenReply("entra")
        let machine = fixture.machineReply("machine")
        fixture.http = ScriptedHTTP { request throws(HTTPFailure) in
            request.method == .post ? token : machine
        }
        fixture.variables = [
            "AZURE_STORAGE_CONNECTION_STRING": "AccountName=acct;AccountKey=\(Self.key)",
            "AZURE_STORAGE_ACCOUNT": "acct", "AZURE_STORAGE_KEY": "b3RoZXI=",
            "AZURE_STORAGE_SAS_TOKEN": Self.sas, "AZURE_TENANT_ID": "tenant",
            "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": "secret",
            "AZURE_FEDERATED_TOKEN_FILE": "\(fixture.directory.path)/token",
        ]
        let first = try await fixture.azureChain().credentials()
        #expect(first == (try .sharedKey(account: "acct", key: Self.key)))
        fixture.variables["AZURE_STORAGE_CONNECTION_STRING"] = nil
        let second = try await fixture.azureChain().credentials()
        #expect(second == (try .sharedKey(account: "acct", key: "b3RoZXI=")) && second != first)
        fixture.variables["AZURE_STORAGE_KEY"] = ""
        #expect(try await fixture.azureChain().credentials().sasText == Self.sas)
        #expect(fixture.http.requests.isEmpty)
        fixture.variables["AZURE_STORAGE_SAS_TOKEN"] = nil
        #expect(try await fixture.azureChain().credentials().tokenText == "entra")
        #expect(fixture.http.requests.last?.bodyText.contains("client_secret=secret") == true)
        fixture.variables["AZURE_CLIENT_SECRET"] = nil
        #expect(try await fixture.azureChain().credentials().tokenText == "entra")
        #expect(fixture.http.requests.last?.bodyText.contains("client_assertion=assertion") == true)
        fixture.variables["AZURE_FEDERATED_TOKEN_FILE"] = nil
        #expect(try await fixture.azureChain().credentials().tokenText == "machine")
    }

    @Test("Explicit credentials win and are fetched from nowhere")
    func explicit() async throws {
        var fixture = try CredentialFixture()
        fixture.variables["AZURE_STORAGE_SAS_TOKEN"] = Self.sas
        let key = try AzureCredentials.sharedKey(account: "acct", key: Self.key + "\n")
        let chain = try fixture.azureChain(.fixed(key))
        #expect(try await chain.credentials() == key)
        chain.invalidate(key)
        #expect(try await chain.credentials() == key)
        let nobody = try fixture.azureChain(.fixed(.anonymous))
        #expect(try await nobody.credentials() == .anonymous)
        #expect(fixture.http.requests.isEmpty)
    }

    @Test("AZ-14 what the environment holds for one account is not used for another")
    func otherAccount() async throws {
        var fixture = try CredentialFixture()
        fixture.variables = [
            "AZURE_STORAGE_CONNECTION_STRING":
                "BlobEndpoint=http://127.0.0.1:1/acct;AccountKey=\(Self.key)",
            "AZURE_STORAGE_ACCOUNT": "other", "AZURE_STORAGE_KEY": Self.key,
            "AZURE_STORAGE_SAS_TOKEN": Self.sas,
        ]
        let message = await azureFailure(of: try fixture.azureChain())
        #expect(message.contains("for another place than https://acct.blob.core.windows.net"))
        #expect(message.contains("account key: AZURE_STORAGE_ACCOUNT names another account"))
        #expect(message.contains("SAS token: AZURE_STORAGE_ACCOUNT names another account"))
        #expect(message.contains("managed identity: http://169.254.169.254/ does not answer"))
        #expect(message.contains("set AZURE_STORAGE_CONNECTION_STRING"))
        #expect(!message.contains("c2Vj"))
    }

    @Test("The account comes from the configuration, or else from the environment")
    func endpoint() async throws {
        func endpoint(
            _ text: String?, _ account: String?, _ variables: [String: String]
        ) throws -> String {
            try AzureEndpoint(
                configured: text, account: account,
                environment: CredentialEnvironment(variables: variables, homeDirectory: "/")
            ).origin
        }
        let variables = [
            "AZURE_STORAGE_CONNECTION_STRING": "AccountName=first;AccountKey=\(Self.key)",
            "AZURE_STORAGE_ACCOUNT": "second",
        ]
        #expect(try endpoint("https://h.example", "acct", variables) == "https://h.example")
        #expect(try endpoint(nil, "acct", variables) == "https://acct.blob.core.windows.net")
        #expect(try endpoint(nil, nil, variables) == "https://first.blob.core.windows.net")
        let account = ["AZURE_STORAGE_ACCOUNT": "second"]
        #expect(try endpoint(nil, nil, account) == "https://second.blob.core.windows.net")
        let error = await expectError(.invalidArgument) { _ = try endpoint(nil, nil, [:]) }
        #expect(error?.message.contains("AZURE_STORAGE_ACCOUNT") == true)
    }
}
