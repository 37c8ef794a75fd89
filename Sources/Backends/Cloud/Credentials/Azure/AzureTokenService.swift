internal import BlobCore

/// Entra's service for tokens, where applications prove who they are.
struct AzureTokenService: Sendable {
    private static let contentType = "application/x-www-form-urlencoded"
    private static let scope = "https://storage.azure.com/.default"

    let context: AzureCredentialContext
    let tenantID: String
    let clientID: String

    /// - Parameter proof: What shows that we are the application.
    func token(
        _ proof: [(name: String, value: String)]
    ) async throws(CredentialFailure) -> AzureCredentials {
        var form: [(name: String, value: String)] = [
            ("grant_type", "client_credentials"), ("client_id", clientID), ("scope", Self.scope),
        ]
        form += proof
        var request = HTTPRequest(.post, try url())
        request.headers.append("content-type", Self.contentType)
        request.headers.append("accept", "application/json")
        request.body = .bytes([Bytes(utf8: Self.encoded(form))])
        request.timeouts.firstByte = .seconds(10)
        let reply = try await context.requests.send(request)
        guard reply.status == 200 else {
            throw CredentialFailure(
                "Entra refused with status \(reply.status)"
                    + "\(AzureTokenDocument.reason(in: reply.body)); check the tenant, the client"
                    + " and its secret or federation",
                isTransient: CredentialRequests.asksForAnother(reply.status))
        }
        let document = CredentialDocument.decode(AzureTokenDocument.self, from: reply.body)
        guard let credentials = document?.credentials(now: context.clock.now()) else {
            throw CredentialFailure("Entra gave an answer that has no token")
        }
        return credentials
    }

    private static func encoded(_ form: [(name: String, value: String)]) -> String {
        form.map { "\($0.name)=\(PercentEncoding.query($0.value))" }.joined(separator: "&")
    }

    private func url() throws(CredentialFailure) -> String {
        let isTenant = tenantID.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.digitValue($0) != nil || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: ".")
        }
        guard isTenant, !tenantID.isEmpty else {
            throw CredentialFailure(
                "\(AzureVariable.tenantID) has characters that no tenant has")
        }
        let name = AzureVariable.authorityHost
        var text = context.environment[name] ?? "https://login.microsoftonline.com"
        // The tools of Azure allow a bare host.
        if !text.contains("://") { text = "https://\(text)" }
        while text.hasSuffix("/") { text.removeLast() }
        // What is sent there opens the account.
        guard let host = ServiceURL(text), host.query == nil, host.isSecure || host.isLoopback
        else {
            throw CredentialFailure("\(name) must be an https URL, or http to loopback")
        }
        return "\(text)/\(tenantID)/oauth2/v2.0/token"
    }
}
