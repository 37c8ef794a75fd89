import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Every source of credentials over the real engine, against servers that verify what they are sent.
@Suite(.timeLimit(.minutes(10))) struct AzureRealCredentialTests {
    private let directory: TemporaryDirectory
    private let pool = BlockingPool(name: "credentials", threadCount: 2)
    private let engines = HTTPEnginePool(settings: HTTPFixture.settings())

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func chain(
        _ oracle: AzureOracle, _ variables: [String: String],
        _ identity: AzureIdentity = .environment
    ) -> AzureCredentialChain {
        AzureCredentialChain(
            identity,
            context: AzureCredentialContext(
                environment: CredentialEnvironment(
                    variables: variables, homeDirectory: directory.path),
                requests: CredentialRequests(http: EngineCredentialHTTP(engines: engines)),
                files: CredentialFiles(pool: pool), clock: .system, endpoint: oracle.endpoint))
    }

    /// Reads a blob with what the chain found.
    private func get(_ oracle: AzureOracle, _ chain: AzureCredentialChain) async throws -> String {
        let key = oracle.key("secret é")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        return try await oracle.send(
            "GET", key, credentials: try await chain.credentials()
        ).summary
    }

    private func application(_ principal: AzurePrincipal) -> [String: String] {
        [
            "AZURE_TENANT_ID": principal.tenantID, "AZURE_CLIENT_ID": principal.clientID,
            "AZURE_CLIENT_SECRET": principal.clientSecret,
            "AZURE_AUTHORITY_HOST": principal.authorityHost,
        ]
    }

    @Test("Connection string, account key and SAS token of the environment open the account")
    func environment() async throws {
        let oracle = try await AzureOracle()
        let azure = try #require(oracle.server.description.azure)
        let endpoint = oracle.server.description.endpoint
        let token = try oracle.url("", .read, by: try oracle.account).drop { $0 != "?" }
        for variables in [
            [
                "AZURE_STORAGE_CONNECTION_STRING":
                    "BlobEndpoint=\(endpoint);AccountName=\(azure.account);"
                    + "AccountKey=\(azure.accountKey)"
            ],
            [
                "AZURE_STORAGE_CONNECTION_STRING":
                    "BlobEndpoint=\(endpoint);SharedAccessSignature=\(token)"
            ],
            ["AZURE_STORAGE_ACCOUNT": azure.account, "AZURE_STORAGE_KEY": azure.accountKey],
            ["AZURE_STORAGE_SAS_TOKEN": String(token)],
        ] {
            #expect(try await get(oracle, chain(oracle, variables)) == "200 x")
        }
    }

    @Test("A client secret gets a token that works, and a wrong one does not (CM-08)")
    func clientSecret() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal(role: "reader")
        var variables = application(principal)
        let good = chain(oracle, variables)
        #expect(try await get(oracle, good) == "200 x")
        let credentials = try await good.credentials()
        #expect(try #require(credentials.expiresAt) > WallClock.system.now())
        try await oracle.server.revokeTokens(name: principal.name)
        #expect(try await get(oracle, good) == "401 InvalidAuthenticationInfo")
        good.invalidate(credentials)
        #expect(try await get(oracle, good) == "200 x")
        variables["AZURE_CLIENT_SECRET"] = "hush" + principal.clientSecret
        let message = await azureFailure(of: chain(oracle, variables))
        #expect(message.contains("refused with status 401 (invalid_client)"))
        #expect(!message.contains("hush"))
    }

    @Test("A workload's token is exchanged; one that is forged or too old is not")
    func workloadIdentity() async throws {
        struct Answer: Decodable, Sendable { let token: String }
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal()
        var variables = application(principal)
        variables["AZURE_CLIENT_SECRET"] = nil
        variables["AZURE_FEDERATED_TOKEN_FILE"] = principal.federatedTokenFile
        #expect(try await get(oracle, chain(oracle, variables)) == "200 x")
        variables["AZURE_FEDERATED_TOKEN_FILE"] = "\(directory.path)/token"
        for parameters: [String: JSONValue] in [["isForged": true], ["seconds": -600]] {
            let answer = try await oracle.server.call(
                "federatedToken",
                parameters.merging(["name": .text(principal.name)]) { value, _ in value },
                as: Answer.self)
            try directory.write(answer.token, to: "token")
            let message = await azureFailure(of: chain(oracle, variables))
            #expect(message.contains("workload identity: Entra refused with status 401"))
            #expect(!message.contains(answer.token.suffix(20)))
        }
    }

    @Test("The metadata service of a machine gives a token, and of the identity asked for only")
    func instanceMetadata() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal()
        let variables = ["AZURE_POD_IDENTITY_AUTHORITY_HOST": principal.instanceMetadata]
        #expect(try await get(oracle, chain(oracle, variables)) == "200 x")
        for identity in [
            AzureManagedIdentity.systemAssigned, .clientID(principal.clientID),
            .objectID(principal.objectID), .resourceID(principal.resourceID),
        ] {
            let chain = chain(oracle, variables, .managedIdentity(identity))
            #expect(try await get(oracle, chain) == "200 x")
        }
        let other = chain(oracle, variables, .managedIdentity(.clientID("other")))
        #expect(await azureFailure(of: other).contains("status 400 (invalid_request)"))
    }

    @Test("App Service gives a token to who knows its header")
    func applicationService() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal()
        var variables = [
            "IDENTITY_ENDPOINT": principal.identityEndpoint,
            "IDENTITY_HEADER": principal.identityHeader,
        ]
        #expect(try await get(oracle, chain(oracle, variables)) == "200 x")
        let resource = chain(
            oracle, variables, .managedIdentity(.resourceID(principal.resourceID)))
        #expect(try await get(oracle, resource) == "200 x")
        variables["IDENTITY_HEADER"] = "other"
        #expect(await azureFailure(of: chain(oracle, variables)).contains("status 401"))
    }

    @Test("A service that fails twice is asked a third time")
    func weather() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal()
        let fault = try await oracle.server.fault(
            "POST /\(principal.tenantID)/", ["status": 503], times: 2)
        #expect(try await get(oracle, chain(oracle, application(principal))) == "200 x")
        #expect(try await oracle.server.remove(fault) == 2)
    }

    @Test("Who may not sign for others is told what he lacks (AZ-13)")
    func noDelegator() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal(role: "worker")
        let error = await expectError(.presign) { _ = try await oracle.user(principal) }
        #expect(error?.message.contains("Storage Blob Delegator") == true)
    }

    @Test("The longest key and its URL are accepted (AZ-13)")
    func longestKey() async throws {
        let oracle = try await AzureOracle()
        let principal = try await oracle.server.azurePrincipal()
        let token = try #require(AzureCredentials.token("t", expiresAt: WallClock.system.now()))
        let keys = AzureDelegationKeys(
            clock: .system,
            sender: DelegationSender(
                endpoint: oracle.endpoint, server: oracle.server, name: principal.name))
        let key = oracle.key("week")
        try await oracle.server.put(key, Bytes(utf8: "x"))
        for seconds: UInt32 in [604_800, 60] {
            let grant = try await AzureGrant(
                credentials: token, delegationKeys: keys, now: WallClock.system.now(),
                validSeconds: seconds)
            let url = try grant.url(of: try oracle.resource(key), permissions: .read)
            #expect(try await Curl.send(url).summary == "200 x")
        }
    }
}
