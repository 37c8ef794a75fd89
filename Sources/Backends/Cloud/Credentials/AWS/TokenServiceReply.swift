internal import BlobCore

/// Reads what a token service answers.
enum TokenServiceReply {
    static func credentials(
        from reply: CredentialHTTPReply
    ) throws(CredentialFailure) -> AWSCredentials {
        let document: XMLElement?
        do throws(XMLFailure) { document = try XMLElement(parsing: reply.body) } catch {
            document = nil
        }
        guard reply.status == 200 else { throw refusal(reply.status, document) }
        guard let credentials = document.flatMap(credentials(in:)) else {
            throw CredentialFailure(
                "the token service gave an answer that is no set of credentials")
        }
        return credentials
    }

    /// `<AssumeRoleResponse><AssumeRoleResult><Credentials>`, of whatever action.
    private static func credentials(in document: XMLElement) -> AWSCredentials? {
        let result = document.children.first { $0.name.hasSuffix("Result") }
        guard let element = result?.first("Credentials"),
            let accessKeyID = text("AccessKeyId", in: element),
            let secretAccessKey = text("SecretAccessKey", in: element),
            let sessionToken = text("SessionToken", in: element),
            let expiration = text("Expiration", in: element).flatMap(Timestamp.init(iso8601:))
        else { return nil }
        return AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken,
            expiresAt: expiration)
    }

    private static func text(_ name: String, in element: XMLElement) -> String? {
        guard let text = element.text(of: name)?.trimmingWhitespace, !text.isEmpty else {
            return nil
        }
        return String(text)
    }

    private static func refusal(_ status: Int, _ document: XMLElement?) -> CredentialFailure {
        let error = document.flatMap { $0.name == "Error" ? $0 : $0.first("Error") }
        let code = error?.text(of: "Code").flatMap(ServiceCode.init)?.text
        return CredentialFailure(
            "the token service refused with status \(status)"
                + "\(code.map { " (\($0))" } ?? ""); check the role, its trust policy and the token",
            isTransient: CredentialRequests.asksForAnother(status)
                || code == "IDPCommunicationError")
    }
}
