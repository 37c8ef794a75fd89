internal import BlobCore

/// An application with a secret.
struct AzureClientSecret: Sendable {
    var tenantID: String
    var clientID: String
    var secret: String
}

extension AzureClientSecret: CustomStringConvertible, CustomReflectable {
    var description: String { "AzureClientSecret(REDACTED)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A token for an application that has a secret.
struct AzureClientSecretCredentials: CredentialProvider {
    let context: AzureCredentialContext
    /// Nil for that of the environment.
    var explicit: AzureClientSecret?
    var name: String { "client secret" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        var client = explicit
        if client == nil { client = try ofEnvironment() }
        guard let client else {
            return .absent("\(AzureVariable.clientSecret) is not set")
        }
        let service = AzureTokenService(
            context: context, tenantID: client.tenantID, clientID: client.clientID)
        return .found(try await service.token([("client_secret", client.secret)]))
    }

    private func ofEnvironment() throws(CredentialFailure) -> AzureClientSecret? {
        guard let secret = context.environment[AzureVariable.clientSecret] else { return nil }
        return AzureClientSecret(
            tenantID: try context.required(
                AzureVariable.tenantID, with: AzureVariable.clientSecret),
            clientID: try context.required(
                AzureVariable.clientID, with: AzureVariable.clientSecret),
            secret: secret)
    }
}

/// A token for a workload that somebody else vouches for, such as Kubernetes, in a file.
struct AzureWorkloadIdentityCredentials: CredentialProvider {
    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    let context: AzureCredentialContext
    var name: String { "workload identity" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AzureCredentials> {
        let variable = AzureVariable.federatedTokenFile
        guard let path = context.environment[variable] else {
            return .absent("\(variable) is not set")
        }
        let service = AzureTokenService(
            context: context,
            tenantID: try context.required(AzureVariable.tenantID, with: variable),
            clientID: try context.required(AzureVariable.clientID, with: variable))
        let assertion = try await assertion(at: context.environment.expanded(path))
        return .found(
            try await service.token([
                ("client_assertion_type", Self.assertionType), ("client_assertion", assertion),
            ]))
    }

    /// The file is read each time: its token lives for an hour or so and is replaced.
    private func assertion(at path: String) async throws(CredentialFailure) -> String {
        let text: String?
        do throws(CredentialFailure) { text = try await context.files.text(at: path) } catch {
            throw error.from(path)
        }
        guard let text else { throw CredentialFailure("there is no token file \(path)") }
        let token = String(text.trimmingWhitespace)
        guard !token.isEmpty else { throw CredentialFailure("the token file \(path) is empty") }
        return token
    }
}

extension AzureCredentialContext {
    /// The variable, which must be there when another is.
    fileprivate func required(
        _ variable: String, with other: String
    ) throws(CredentialFailure) -> String {
        guard let value = environment[variable] else {
            throw CredentialFailure("\(other) is set, \(variable) is not")
        }
        return value
    }
}
