internal import BlobCore
internal import LinuxIO

/// What every source of Azure credentials works with.
struct AzureCredentialContext: Sendable {
    let environment: CredentialEnvironment
    let requests: CredentialRequests
    let files: CredentialFiles
    let clock: WallClock
    /// Whose credentials are looked for.
    let endpoint: AzureEndpoint

    /// Why what the environment holds is not for this account; nil when it is.
    var otherAccount: String? {
        guard let account = environment[AzureVariable.account], account != endpoint.account else {
            return nil
        }
        return "\(AzureVariable.account) names another account than '\(endpoint.account)'"
    }
}

/// The environment variables that Azure's own tools read.
enum AzureVariable {
    static let connectionString = "AZURE_STORAGE_CONNECTION_STRING"
    static let account = "AZURE_STORAGE_ACCOUNT"
    static let accountKey = "AZURE_STORAGE_KEY"
    static let sasToken = "AZURE_STORAGE_SAS_TOKEN"
    static let tenantID = "AZURE_TENANT_ID"
    static let clientID = "AZURE_CLIENT_ID"
    static let clientSecret = "AZURE_CLIENT_SECRET"
    static let federatedTokenFile = "AZURE_FEDERATED_TOKEN_FILE"
    static let authorityHost = "AZURE_AUTHORITY_HOST"
    static let identityEndpoint = "IDENTITY_ENDPOINT"
    static let identityHeader = "IDENTITY_HEADER"
    /// In place of http://169.254.169.254.
    static let metadataHost = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
}

extension AzureEndpoint {
    /// The endpoint to use: what the configuration says, else what the environment says.
    init(
        configured text: String?, account: String?, environment: CredentialEnvironment
    ) throws(BlobError) {
        if let text {
            try self.init(text, account: account)
        } else if let account {
            try self.init(account: account)
        } else if let text = environment[AzureVariable.connectionString] {
            self = try AzureConnectionString(text).endpoint
        } else if let account = environment[AzureVariable.account] {
            try self.init(account: account)
        } else {
            throw BlobError(
                .invalidArgument,
                "no Azure account is configured; name one, or set \(AzureVariable.account) or"
                    + " \(AzureVariable.connectionString)")
        }
    }
}
