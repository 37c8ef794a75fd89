/// Somebody whom the test server for Google knows, with a path and a metadata server of his own.
public struct GoogleIdentity: Sendable, Decodable {
    /// His name in calls.
    public let name: String
    /// The address of the service account.
    public let email: String
    /// Where assertions and refresh tokens become access tokens.
    public let tokenURI: String
    /// In front of all his paths, to count or disturb the requests of him alone.
    public let path: String
    /// Host and port of the metadata server whose default account he is.
    public let metadataHost: String
    /// What the file-sourced credentials read; a test may replace it.
    public let subjectTokenFile: String
    /// Credential files by kind: `serviceAccount`, `authorizedUser`, `externalAccountFile`,
    /// `externalAccountJSONFile`, `externalAccountURL`; with somebody to act as also
    /// `impersonatedServiceAccount`, `impersonatedFromServiceAccount` and
    /// `externalAccountImpersonated`.
    public let files: [String: String]
}

/// Somebody whom the test server for Azure knows, with a tenant and a server for tokens of his own.
public struct AzurePrincipal: Sendable, Decodable {
    /// His name in calls.
    public let name: String
    /// His tenant, which nobody else is in.
    public let tenantID: String
    /// His object in the tenant.
    public let objectID: String
    /// The application.
    public let clientID: String
    /// Its secret.
    public let clientSecret: String
    /// The resource of the managed identity.
    public let resourceID: String
    /// In front of `/TENANT/oauth2/v2.0/token`.
    public let authorityHost: String
    /// All of it.
    public let tokenURL: String
    /// The token of a workload; a test may replace it.
    public let federatedTokenFile: String
    /// In front of `/metadata/identity/oauth2/token`.
    public let instanceMetadata: String
    /// What App Service puts into IDENTITY_ENDPOINT.
    public let identityEndpoint: String
    /// What App Service puts into IDENTITY_HEADER.
    public let identityHeader: String
}

extension CloudTestServer {
    /// Somebody new for Google: admin, reader, creator, getter or nobody.
    public func googleIdentity(
        role: String = "admin", mayActAs: [String] = []
    ) async throws -> GoogleIdentity {
        let names = JSONValue.list(mayActAs.map { .text($0) })
        return try await call(
            "identity", ["role": .text(role), "mayActAs": names], as: GoogleIdentity.self)
    }

    /// Somebody new for Azure: contributor, reader, delegator, worker or nobody.
    public func azurePrincipal(role: String = "contributor") async throws -> AzurePrincipal {
        try await call("principal", ["role": .text(role)], as: AzurePrincipal.self)
    }

    /// A token that is given out without asking anybody.
    ///
    /// - Parameter lifetimeSeconds: Below zero for one that has expired.
    public func accessToken(name: String, lifetimeSeconds: Int = 3600) async throws -> String {
        struct Answer: Decodable, Sendable { let token: String }
        return try await call(
            "accessToken", ["name": .text(name), "seconds": .number(lifetimeSeconds)],
            as: Answer.self
        ).token
    }

    /// Ends all tokens that somebody has, though their time has not come.
    public func revokeTokens(name: String) async throws {
        try await call("revoke", ["name": .text(name)])
    }
}
