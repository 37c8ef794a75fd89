internal import BlobCore

/// Google Cloud Storage: its XML API, and of its JSON API the copies. Access tokens, errors as XML.
final class GCSService: CloudService {
    let endpoint: GCSEndpoint
    /// Nil: requests say nothing of who asks.
    let credentials: (any CredentialSource<GoogleCredentials>)?
    let clock: ServiceClock
    /// With every request.
    fileprivate let commonHeaders: HTTPHeaders

    init(
        endpoint: GCSEndpoint, credentials: (any CredentialSource<GoogleCredentials>)?,
        userProject: String?, clock: ServiceClock
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.clock = clock
        var headers = HTTPHeaders()
        if let userProject { headers.append("x-goog-user-project", userProject) }
        commonHeaders = headers
    }

    var name: String { "Google Cloud Storage" }

    var rules: CloudErrorRules { .gcs }

    func close() { credentials?.close() }

    func attempt(_ request: CloudRequest) async throws(BlobError) -> any CloudAttempt {
        try GCSAttempt(request, credentials: try await credentials?.credentials(), by: self)
    }

    func complaint(_ refusal: CloudRefusal) -> CloudComplaint {
        var complaint = CloudComplaint()
        complaint.code = refusal.document?.text(of: "Code")
        // The whole of it names the session of an upload in order, and who has that can write.
        complaint.requestID = refusal.headers["x-guploader-uploadid"].map { String($0.prefix(40)) }
        return complaint
    }
}

/// An attempt with a certain token.
struct GCSAttempt: CloudAttempt {
    let url: String
    let headers: HTTPHeaders
    private let service: GCSService
    /// Nil for nobody.
    private let credentials: GoogleCredentials?

    init(
        _ request: CloudRequest, credentials: GoogleCredentials?, by service: GCSService
    ) throws(BlobError) {
        self.credentials = credentials
        self.service = service
        var url = service.endpoint.origin
        if let path = request.encodedPath {
            url += path
        } else {
            url += try GCSEndpoint.encodedPath(request.uri)
        }
        if !request.query.isEmpty { url += "?" + SigV4.canonicalQuery(request.query) }
        self.url = url
        var headers = request.headers
        headers.append(service.commonHeaders)
        if let credentials { headers.append("authorization", "Bearer \(credentials.token)") }
        self.headers = headers
    }

    /// The status tells all there is.
    func likelyCorrection(_ failure: CloudFailure) -> CloudCorrection? { nil }

    func correct(_ correction: CloudCorrection, _ failure: CloudFailure) -> Bool {
        switch correction {
        case .credentials:
            // GC-08
            guard let source = service.credentials, let credentials else { return false }
            // GC-11: a token that we sign ourselves says what the time is, by a clock that may be
            // wrong.
            _ = service.clock.learn(failure.serverTime)
            source.invalidate(credentials)
            return true
        case .clockSkew: return service.clock.learn(failure.serverTime)
        case .location: return false
        }
    }
}
