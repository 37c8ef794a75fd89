internal import BlobCore

/// A connection string in the environment.
struct AzureConnectionStringCredentials: CredentialProvider {
    let context: AzureCredentialContext
    var name: String { "connection string" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        guard let text = context.environment[AzureVariable.connectionString] else {
            return .absent("\(AzureVariable.connectionString) is not set")
        }
        let parsed: AzureConnectionString
        do throws(BlobError) { parsed = try AzureConnectionString(text) } catch {
            throw CredentialFailure(error.message)
        }
        // AZ-14: what opens one account is not sent to another.
        guard parsed.endpoint.isSamePlace(as: context.endpoint) else {
            return .absent(
                "\(AzureVariable.connectionString) is for another place than"
                    + " \(context.endpoint.origin)\(context.endpoint.accountPath)")
        }
        return .found(parsed.credentials)
    }
}

/// The key of the account in the environment.
struct AzureAccountKeyCredentials: CredentialProvider {
    let context: AzureCredentialContext
    var name: String { "account key" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        guard let key = context.environment[AzureVariable.accountKey] else {
            return .absent("\(AzureVariable.accountKey) is not set")
        }
        if let reason = context.otherAccount { return .absent(reason) }
        do throws(BlobError) {
            return .found(try .sharedKey(account: context.endpoint.account, key: key))
        } catch {
            throw CredentialFailure(error.message)
        }
    }
}

/// A shared access signature in the environment.
struct AzureSASTokenCredentials: CredentialProvider {
    let context: AzureCredentialContext
    var name: String { "SAS token" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        guard let token = context.environment[AzureVariable.sasToken] else {
            return .absent("\(AzureVariable.sasToken) is not set")
        }
        if let reason = context.otherAccount { return .absent(reason) }
        do throws(BlobError) { return .found(try .sasToken(token)) } catch {
            throw CredentialFailure(error.message)
        }
    }
}
