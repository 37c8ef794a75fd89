internal import BlobCore

/// Keys in environment variables.
struct EnvironmentCredentials: CredentialProvider {
    let context: AWSCredentialContext
    var name: String { "environment" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AWSCredentials> {
        let environment = context.environment
        guard let accessKeyID = environment["AWS_ACCESS_KEY_ID"] else {
            guard environment["AWS_SECRET_ACCESS_KEY"] == nil else {
                throw CredentialFailure("AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not")
            }
            return .absent("AWS_ACCESS_KEY_ID is not set")
        }
        guard let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw CredentialFailure("AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not")
        }
        var credentials = AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secret,
            sessionToken: environment["AWS_SESSION_TOKEN"])
        if let text = environment["AWS_CREDENTIAL_EXPIRATION"] {
            guard let time = Timestamp(iso8601: text) else {
                throw CredentialFailure("AWS_CREDENTIAL_EXPIRATION is no ISO 8601 time")
            }
            credentials.expiresAt = time
        }
        return .found(credentials)
    }
}
