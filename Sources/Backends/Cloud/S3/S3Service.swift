internal import BlobCore

/// Amazon S3 and what speaks its protocol: addresses by endpoint and region, Signature V4, errors as
/// XML.
final class S3Service: CloudService {
    let endpoint: S3Endpoint
    /// Nil: requests are not signed.
    let credentials: (any CredentialSource<AWSCredentials>)?
    let regions: S3Regions
    let clock: ServiceClock
    let signer = SigV4Signer(cache: SigningKeyCache())
    fileprivate let commonHeaders: HTTPHeaders

    init(
        endpoint: S3Endpoint, credentials: (any CredentialSource<AWSCredentials>)?,
        regions: S3Regions, commonHeaders: HTTPHeaders, clock: WallClock
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.regions = regions
        self.commonHeaders = commonHeaders
        self.clock = ServiceClock(clock)
    }

    var name: String { "S3" }

    var rules: CloudErrorRules { .s3 }

    func close() { credentials?.close() }

    func attempt(_ request: CloudRequest) async throws(BlobError) -> any CloudAttempt {
        let credentials = try await credentials?.credentials()
        let region = try await regions.region(of: request.uri.container, now: .now)
        return try S3Attempt(
            request, region: region, credentials: credentials, time: clock.now, by: self)
    }
}

extension CloudBody {
    /// What the signature says of the body.
    fileprivate var payloadHash: String {
        switch self {
        case .none: SigV4.emptyPayloadHash
        case .bytes(_, let sha256): sha256 ?? SigV4.unsignedPayload
        case .stream: SigV4.unsignedPayload
        }
    }
}

/// An attempt with certain credentials in a certain region.
struct S3Attempt: CloudAttempt {
    let url: String
    let headers: HTTPHeaders
    private let service: S3Service
    private let bucket: String
    private let region: String
    /// Nil for nobody.
    private let credentials: AWSCredentials?
    /// What its signature says the time is.
    private let time: Timestamp

    init(
        _ request: CloudRequest, region: String, credentials: AWSCredentials?, time: Timestamp,
        by service: S3Service
    ) throws(BlobError) {
        bucket = request.uri.container
        self.region = region
        self.credentials = credentials
        self.time = time
        self.service = service
        let address = try service.endpoint.address(bucket: bucket, region: region)
        let key = request.uri.key
        let encodedPath =
            key.isEmpty && !address.path.isEmpty ? address.path : address.encodedPath(key: key)
        var url = address.origin + encodedPath
        if !request.query.isEmpty { url += "?" + SigV4.canonicalQuery(request.query) }
        self.url = url
        var headers = request.headers
        headers.append(service.commonHeaders)
        if let credentials {
            let unsigned = SigV4Request(
                method: request.method.rawValue, host: address.host, encodedPath: encodedPath,
                query: request.query,
                headers: headers.fields.map { (name: $0.name, value: $0.value) },
                payloadHash: request.body.payloadHash)
            let fields = try service.signer.authorization(
                unsigned, credentials: credentials, region: region, at: time)
            for field in fields { headers.append(field.name, field.value) }
        }
        self.headers = headers
    }

    func likelyCorrection(_ failure: CloudFailure) -> CloudCorrection? {
        guard failure.status == 400 || failure.status == 403 else { return nil }
        if let region = failure.location, region != self.region { return .location }
        guard let credentials else { return nil }
        if failure.status == 403, ServiceClock.isSkewed(time, serverTime: failure.serverTime) {
            return .clockSkew
        }
        // Only temporary ones expire, and AWS answers those with 400.
        return failure.status == 400 && credentials.sessionToken != nil ? .credentials : nil
    }

    func correct(_ correction: CloudCorrection, _ failure: CloudFailure) -> Bool {
        switch correction {
        case .clockSkew: return service.clock.learn(failure.serverTime)
        case .credentials:
            guard let source = service.credentials, let credentials else { return false }
            source.invalidate(credentials)
            return true
        case .location:
            // One hop, and never to where the answer came from (S3-07).
            guard let region = failure.location, region != self.region else { return false }
            service.regions.learn(region, of: bucket, now: .now)
            return true
        }
    }
}
