internal import BlobCore

/// A request with what shows who sends it.
struct AzureAuthorizedRequest: Sendable {
    /// Path and query as they go on the wire. May hold a signature: for no message or log.
    let target: String
    /// To be sent besides those of the request.
    let fields: [HTTPHeaders.Field]
}

/// Puts credentials to requests for one account.
struct AzureAuthorizer: Sendable {
    let endpoint: AzureEndpoint

    /// - Parameters:
    ///   - time: the clock of the service, corrected if it differs from ours.
    ///   - isInBatch: whether another request carries it, which names the version for both.
    func authorize(
        _ request: AzureRequest, credentials: AzureCredentials, at time: Timestamp,
        isInBatch: Bool = false
    ) throws(BlobError) -> AzureAuthorizedRequest {
        var request = request
        var fields = [HTTPHeaders.Field(name: AzureService.dateField, value: time.httpDate)]
        if !isInBatch {
            fields.append(.init(name: AzureService.versionField, value: AzureService.version))
        }
        for field in fields { request.headers[field.name] = field.value }
        var target = request.target
        switch credentials.kind {
        case .sharedKey(let key):
            guard key.account == endpoint.account else {
                throw BlobError(
                    .backendAuthentication, "the server's key is of another Azure account")
            }
            fields.append(.init(name: "authorization", value: try key.authorization(request)))
        case .token(let token):
            guard endpoint.acceptsTokens else {
                throw BlobError(
                    .backendAuthentication,
                    "a token is not sent over plain http: anybody on the way could use it; give"
                        + " the Azure endpoint as https")
            }
            fields.append(.init(name: "authorization", value: "Bearer \(token)"))
        case .sasToken(let token):
            target += request.query.isEmpty ? "?" : "&"
            target += token
        case .anonymous: break
        }
        return AzureAuthorizedRequest(target: target, fields: fields)
    }
}
