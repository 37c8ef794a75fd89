internal import BlobCore

/// How an `AzureBackend` reaches its service. docs/azure.md explains each setting with examples.
public struct AzureConfiguration: Sendable {
    /// Who the requests are from.
    public enum Identity: Sendable {
        /// What the environment has: connection string, account key, SAS token, client secret,
        /// workload identity or managed identity, in this order.
        case environment
        /// An account's connection string; names the endpoint, too.
        case connectionString(String)
        /// The account's key, in Base64 as Azure shows it.
        case accountKey(String)
        /// A shared access signature, with or without its "?".
        case sasToken(String)
        /// An application of Entra with its secret.
        case clientSecret(tenantID: String, clientID: String, secret: String)
        /// The identity of the machine or application that this runs on.
        case managedIdentity(ManagedIdentity)
        /// Nobody: requests are not signed. For public containers.
        case anonymous
    }

    /// Which identity, where a machine may have several.
    public enum ManagedIdentity: Sendable, Hashable {
        /// The machine's own.
        case systemAssigned
        /// The one with this client ID.
        case clientID(String)
        /// The one with this object ID.
        case objectID(String)
        /// The one that is this resource of Azure.
        case resourceID(String)
    }

    /// What is sent along with the bytes for the service to check them.
    public enum Checksum: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// CRC-64 (AZ-16).
        case crc64
    }

    /// Who the requests are from.
    public var identity = Identity.environment
    /// Where the account is, such as `https://account.blob.core.windows.net` or
    /// `http://127.0.0.1:10000/account`; nil for the account's host in the public cloud.
    public var endpoint: String?
    /// The account; nil takes it from the endpoint or the environment.
    public var account: String?
    /// Where Entra gives out tokens, for other clouds than the public one, such as
    /// `https://login.chinacloudapi.cn`; nil takes it from the environment.
    public var authorityHost: String?
    /// What is sent for the service to check the bytes.
    public var checksum = Checksum.crc64
    /// The access tier of what is written, such as `Cool`; nil for the account's default.
    public var accessTier: String?
    /// The encryption scope of what is written; nil for the container's default.
    public var encryptionScope: String?
    /// A PEM file of the authorities to trust instead of the system's.
    public var certificateFile: String?
    /// The size in bytes of the parts that large blobs are read and written in; at least 5 MiB.
    public var partByteCount = 8 << 20
    /// How many parts of one blob move at once, at most.
    public var concurrentPartCount = 8
    /// How much memory Azure may cost the process, in bytes, over all calls. Half of it holds parts of
    /// blobs that are fetched ahead or wait to be sent, one part at least.
    public var memoryBudgetByteCount = 256 << 20

    /// Every default: the account and the credentials of the environment.
    public init() {}
}

extension AzureConfiguration {
    /// Where the account is, and who asks.
    func resolved(
        environment: CredentialEnvironment
    ) throws(BlobError) -> (endpoint: AzureEndpoint, identity: AzureIdentity) {
        if case .connectionString(let text) = identity {
            let parsed = try AzureConnectionString(text)
            guard endpoint == nil, account ?? parsed.endpoint.account == parsed.endpoint.account
            else {
                throw BlobError(
                    .invalidArgument,
                    "the connection string names the endpoint; leave out endpoint and account")
            }
            return (parsed.endpoint, .fixed(parsed.credentials))
        }
        let endpoint = try AzureEndpoint(
            configured: endpoint, account: account, environment: environment)
        return (endpoint, try credentials(of: endpoint.account))
    }

    private func credentials(of account: String) throws(BlobError) -> AzureIdentity {
        switch identity {
        case .environment, .connectionString: .environment
        case .accountKey(let key): .fixed(try .sharedKey(account: account, key: key))
        case .sasToken(let token): .fixed(try .sasToken(token))
        case .clientSecret(let tenantID, let clientID, let secret):
            .clientSecret(
                AzureClientSecret(tenantID: tenantID, clientID: clientID, secret: secret))
        case .managedIdentity(.systemAssigned): .managedIdentity(.systemAssigned)
        case .managedIdentity(.clientID(let name)): .managedIdentity(.clientID(name))
        case .managedIdentity(.objectID(let name)): .managedIdentity(.objectID(name))
        case .managedIdentity(.resourceID(let name)): .managedIdentity(.resourceID(name))
        case .anonymous: .fixed(.anonymous)
        }
    }
}
