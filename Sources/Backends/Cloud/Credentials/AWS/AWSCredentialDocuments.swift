internal import BlobCore

/// The JSON documents in which credentials of AWS come. None of them has a description: they are secrets.
enum AWSCredentialDocuments {
    /// What metadata services, container endpoints and credential processes answer.
    struct Keys: Decodable {
        /// Of credential processes: 1.
        var version: Int?
        /// Of the metadata service of EC2: "Success", or what is wrong.
        var code: String?
        var accessKeyID: String?
        var secretAccessKey: String?
        var token: String?
        var sessionToken: String?
        var expiration: String?

        enum CodingKeys: String, CodingKey {
            case version = "Version"
            case code = "Code"
            case accessKeyID = "AccessKeyId"
            case secretAccessKey = "SecretAccessKey"
            case token = "Token"
            case sessionToken = "SessionToken"
            case expiration = "Expiration"
        }

        /// The credentials; nil unless both keys and a readable expiration are there.
        func credentials(needsExpiration: Bool) -> AWSCredentials? {
            guard let accessKeyID, !accessKeyID.isEmpty, let secretAccessKey,
                !secretAccessKey.isEmpty
            else { return nil }
            var credentials = AWSCredentials(
                accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
                sessionToken: token ?? sessionToken)
            if let expiration {
                guard let time = Timestamp(iso8601: expiration) else { return nil }
                credentials.expiresAt = time
            }
            return needsExpiration && credentials.expiresAt == nil ? nil : credentials
        }
    }

    /// What `aws sso login` leaves behind.
    struct SSOToken: Decodable {
        var accessToken: String
        var expiresAt: String
    }

    /// What the single sign-on portal answers.
    struct SSOReply: Decodable {
        struct RoleCredentials: Decodable {
            var accessKeyId: String
            var secretAccessKey: String
            var sessionToken: String
            /// Milliseconds since the epoch.
            var expiration: Int64
        }

        var roleCredentials: RoleCredentials

        var credentials: AWSCredentials {
            AWSCredentials(
                accessKeyID: roleCredentials.accessKeyId,
                secretAccessKey: roleCredentials.secretAccessKey,
                sessionToken: roleCredentials.sessionToken,
                expiresAt: Timestamp(milliseconds: roleCredentials.expiration))
        }
    }
}
