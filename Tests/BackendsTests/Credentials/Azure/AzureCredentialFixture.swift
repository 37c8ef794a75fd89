import BlobCore
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

extension CredentialFixture {
    /// What the sources of Azure credentials see of this machine.
    func azureContext(account: String = "acct") throws -> AzureCredentialContext {
        var requests = CredentialRequests(http: http)
        requests.pause = .zero
        return AzureCredentialContext(
            environment: CredentialEnvironment(
                variables: variables, homeDirectory: directory.path),
            requests: requests, files: CredentialFiles(pool: pool), clock: time.clock,
            endpoint: try AzureEndpoint(account: account))
    }

    func azureChain(
        _ identity: AzureIdentity = .environment, account: String = "acct"
    ) throws -> AzureCredentialChain {
        AzureCredentialChain(identity, context: try azureContext(account: account))
    }

    /// What services beside a machine answer: numbers as text.
    func machineReply(_ token: String, expiresIn seconds: Int64 = 3600) -> CredentialHTTPReply {
        reply(
            """
            {"access_token": "\(token)", "token_type": "Bearer", "resource": "r",
             "expires_on": "\(time.now.milliseconds / 1000 + seconds)", "expires_in": "7"}
            """)
    }
}

extension AzureCredentials {
    /// What is sent, for comparing.
    var tokenText: String? {
        if case .token(let token) = kind { token } else { nil }
    }

    var sasText: String? {
        if case .sasToken(let token) = kind { token } else { nil }
    }

    /// The account of the key.
    var keyAccount: String? {
        if case .sharedKey(let key) = kind { key.account } else { nil }
    }
}

/// Expects the chain to fail with `backendAuthentication`; returns its message.
func azureFailure(
    of source: any CredentialSource<AzureCredentials>,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> String {
    let error = await expectError(.backendAuthentication, sourceLocation: sourceLocation) {
        _ = try await source.credentials()
    }
    return error?.message ?? ""
}

/// Gives out delegation keys as it is asked to, and remembers the requests.
final class ScriptedDelegation: AzureDelegationKeySender {
    typealias Script = @Sendable (AzureDelegationKeyRequest) async throws(BlobError) -> Bytes

    private let script: Script
    private let received = Mutex<[AzureDelegationKeyRequest]>([])

    init(_ script: @escaping Script = ScriptedDelegation.document) {
        self.script = script
    }

    var requests: [AzureDelegationKeyRequest] { received.withLock { $0 } }

    func send(_ request: AzureDelegationKeyRequest) async throws(BlobError) -> Bytes {
        received.withLock { $0.append(request) }
        return try await script(request)
    }

    /// What the service answers; the key is made of the request.
    static let document: Script = { request throws(BlobError) in
        let (start, end) = (request.start.iso8601Seconds, request.end.iso8601Seconds)
        return AzureFixture.delegationDocument(
            ["user", "tenant", start, end, "b", AzureService.version],
            value: Base64.text(of: Array("\(start)\(end)".utf8)))
    }
}
