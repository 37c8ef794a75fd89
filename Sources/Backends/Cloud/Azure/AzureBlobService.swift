internal import BlobCore

/// Azure Blob: addresses by account and container, several kinds of credentials, codes in headers.
final class AzureBlobService: CloudService {
    let endpoint: AzureEndpoint
    let credentials: any CredentialSource<AzureCredentials>
    let clock: ServiceClock

    /// The service itself, for requests that name no container.
    static let root = BlobURI(scheme: .az, container: "", key: "")

    init(
        endpoint: AzureEndpoint, credentials: any CredentialSource<AzureCredentials>,
        clock: ServiceClock
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
    }

    var name: String { "Azure" }

    var rules: CloudErrorRules { .azure }

    func close() { credentials.close() }

    func attempt(_ request: CloudRequest) async throws(BlobError) -> any CloudAttempt {
        // Before anybody is asked for credentials.
        let path = try encodedPath(request.uri)
        return try AzureAttempt(
            request, encodedPath: path, credentials: try await credentials.credentials(),
            time: clock.now, by: self)
    }

    /// AZ-01
    func resource(_ uri: BlobURI) throws(BlobError) -> AzureResource {
        endpoint.resource(try AzureBlobName(uri, at: endpoint))
    }

    private func encodedPath(_ uri: BlobURI) throws(BlobError) -> String {
        uri == Self.root ? endpoint.servicePath : try resource(uri).encodedPath
    }
}

/// An attempt with certain credentials.
struct AzureAttempt: CloudAttempt {
    let url: String
    let headers: HTTPHeaders
    private let service: AzureBlobService
    private let credentials: AzureCredentials
    /// What it says the time is.
    private let time: Timestamp

    init(
        _ request: CloudRequest, encodedPath: String, credentials: AzureCredentials,
        time: Timestamp, by service: AzureBlobService
    ) throws(BlobError) {
        self.service = service
        self.credentials = credentials
        self.time = time
        var headers = request.headers
        if case .token(let token) = credentials.kind, headers[AzureBlobCopy.sourceField] != nil {
            headers.append(AzureBlobCopy.sourceAuthorizationField, "Bearer \(token)")
        }
        let authorized = try AzureAuthorizer(endpoint: service.endpoint).authorize(
            AzureRequest(
                method: request.method.rawValue, encodedPath: encodedPath, query: request.query,
                headers: headers, contentByteCount: request.body.byteCount),
            credentials: credentials, at: time)
        url = service.endpoint.origin + authorized.target
        for field in authorized.fields { headers.append(field.name, field.value) }
        self.headers = headers
    }

    func likelyCorrection(_ failure: CloudFailure) -> CloudCorrection? {
        switch failure.status {
        case 401: .credentials
        case 403: .clockSkew
        default: nil
        }
    }

    func correct(_ correction: CloudCorrection, _ failure: CloudFailure) -> Bool {
        switch correction {
        case .clockSkew:
            guard ServiceClock.isSkewed(time, serverTime: failure.serverTime) else { return false }
            return service.clock.learn(failure.serverTime)
        case .credentials:
            // The others are the same again.
            guard case .token = credentials.kind else { return false }
            service.credentials.invalidate(credentials)
            return true
        case .location: return false
        }
    }
}
