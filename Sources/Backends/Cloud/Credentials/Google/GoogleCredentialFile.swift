internal import BlobCore

/// A credential file as Google's tools write it, of whatever type. It has no description: it holds
/// secrets.
final class GoogleCredentialFile: Decodable, Sendable {
    let type: String?
    let universeDomain: String?
    // Of service accounts.
    let clientEmail: String?
    let privateKey: String?
    let privateKeyID: String?
    /// Of authorized users, too.
    let tokenURI: String?
    // Of authorized users.
    let clientID: String?
    let clientSecret: String?
    let refreshToken: String?
    // Of external accounts.
    let audience: String?
    let subjectTokenType: String?
    let tokenURL: String?
    let credentialSource: GoogleSubjectTokenDocument?
    let workforcePoolUserProject: String?
    let impersonation: Impersonation?
    /// Of impersonated service accounts, too.
    let impersonationURL: String?
    // Of impersonated service accounts.
    let sourceCredentials: GoogleCredentialFile?
    let delegates: [String]?

    struct Impersonation: Decodable, Sendable {
        let token_lifetime_seconds: Int?
    }

    enum CodingKeys: String, CodingKey {
        case type, audience, delegates
        case universeDomain = "universe_domain"
        case clientEmail = "client_email"
        case privateKey = "private_key"
        case privateKeyID = "private_key_id"
        case tokenURI = "token_uri"
        case clientID = "client_id"
        case clientSecret = "client_secret"
        case refreshToken = "refresh_token"
        case subjectTokenType = "subject_token_type"
        case tokenURL = "token_url"
        case credentialSource = "credential_source"
        case workforcePoolUserProject = "workforce_pool_user_project"
        case impersonation = "service_account_impersonation"
        case impersonationURL = "service_account_impersonation_url"
        case sourceCredentials = "source_credentials"
    }

    /// What the file stands for, fetched anew.
    func credentials(
        _ context: GoogleCredentialContext
    ) async throws(CredentialFailure) -> GoogleCredentials {
        try checkUniverse()
        switch type {
        case "service_account":
            return try GoogleServiceAccount(self, context).credentials()
        case "authorized_user":
            return try await GoogleAuthorizedUser(self, context).credentials()
        case "external_account":
            let account = try GoogleExternalAccount(self, context)
            guard impersonationURL != nil else { return try await account.credentials() }
            return try await GoogleImpersonation(self, source: account, context).credentials()
        case "impersonated_service_account":
            guard let sourceCredentials else { throw Self.missing("source_credentials") }
            let source = try sourceCredentials.tokenSource(context)
            return try await GoogleImpersonation(self, source: source, context).credentials()
        default: throw unknownType
        }
    }

    /// Whoever takes on another account.
    private func tokenSource(
        _ context: GoogleCredentialContext
    ) throws(CredentialFailure) -> any GoogleTokenSource {
        try checkUniverse()
        switch type {
        case "service_account": return try GoogleServiceAccount(self, context)
        case "authorized_user": return try GoogleAuthorizedUser(self, context)
        case "external_account" where impersonationURL == nil:
            return try GoogleExternalAccount(self, context)
        case "external_account", "impersonated_service_account":
            throw CredentialFailure(
                "source_credentials take on an account themselves; use 'delegates' instead")
        default: throw unknownType.from("source_credentials")
        }
    }

    /// The member, which this type of file must have.
    static func required(
        _ value: String?, _ name: String
    ) throws(CredentialFailure) -> String {
        guard let value, !value.isEmpty else { throw missing(name) }
        return value
    }

    private static func missing(_ name: String) -> CredentialFailure {
        CredentialFailure("'\(name)' is missing or empty")
    }

    private var unknownType: CredentialFailure {
        let shown = type.flatMap(ServiceCode.init).map { " '\($0.text)'" } ?? ""
        return CredentialFailure(
            "the type\(shown) is none of service_account, authorized_user, external_account and"
                + " impersonated_service_account")
    }

    /// Other universes have other hosts; their tokens must not be sent to Google's.
    private func checkUniverse() throws(CredentialFailure) {
        guard universeDomain == nil || universeDomain == "googleapis.com" else {
            throw CredentialFailure("it is for another universe_domain than googleapis.com")
        }
    }
}
