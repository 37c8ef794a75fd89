internal import BlobCore
internal import LinuxIO

/// Who the requests are from, as the configuration says.
enum AzureIdentity: Sendable {
    /// Whatever this machine has: connection string, account key, SAS token, client secret,
    /// workload identity, managed identity, in this order.
    case environment
    /// A key, a SAS token or nobody.
    case fixed(AzureCredentials)
    case clientSecret(AzureClientSecret)
    case managedIdentity(AzureManagedIdentity)
}

/// The credentials of Azure from wherever they are.
final class AzureCredentialChain: CredentialSource {
    private let cache: CredentialCache<AzureCredentials>

    init(_ identity: AzureIdentity, context: AzureCredentialContext) {
        cache = CredentialCache(clock: context.clock) { () throws(CredentialFetchFailure) in
            if case .fixed(let credentials) = identity { return credentials }
            return try await CredentialProviders.fetch(
                Self.providers(identity, context), hint: Self.hint(identity))
        }
    }

    func credentials() async throws(BlobError) -> AzureCredentials {
        try await cache.credentials()
    }

    func invalidate(_ refused: AzureCredentials) {
        cache.invalidate(refused)
    }

    /// Ends a fetch that is under way; from now on every call fails.
    func close() {
        cache.close()
    }

    private static func hint(_ identity: AzureIdentity) -> String {
        if case .environment = identity {
            return "set \(AzureVariable.connectionString) or another of these"
        }
        return "check the identity that is configured"
    }

    private static func providers(
        _ identity: AzureIdentity, _ context: AzureCredentialContext
    ) -> [any CredentialProvider<AzureCredentials>] {
        switch identity {
        case .fixed: []
        case .clientSecret(let client):
            [AzureClientSecretCredentials(context: context, explicit: client)]
        case .managedIdentity(let identity):
            [AzureManagedIdentityCredentials(context: context, explicit: identity)]
        case .environment:
            [
                AzureConnectionStringCredentials(context: context),
                AzureAccountKeyCredentials(context: context),
                AzureSASTokenCredentials(context: context),
                AzureClientSecretCredentials(context: context),
                AzureWorkloadIdentityCredentials(context: context),
                AzureManagedIdentityCredentials(context: context),
            ]
        }
    }
}
