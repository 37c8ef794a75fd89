internal import BlobCore

/// Signs requests and URLs by AWS Signature V4.
struct SigV4Signer: Sendable {
    let service: String
    let cache: SigningKeyCache

    init(service: String = "s3", cache: SigningKeyCache) {
        self.service = service
        self.cache = cache
    }

    /// The fields to add to the request: `x-amz-date`, for S3 `x-amz-content-sha256`, with
    /// temporary credentials `x-amz-security-token`, and `authorization`.
    ///
    /// - Parameter time: the clock of the service, corrected if it differs from ours (S3-17).
    func authorization(
        _ request: SigV4Request, credentials: AWSCredentials, region: String, at time: Timestamp
    ) throws(BlobError) -> [HTTPHeaders.Field] {
        try check(credentials, region: region)
        let scope = SigV4Scope(time: time, region: region, service: service)
        var added = [HTTPHeaders.Field(name: "x-amz-date", value: scope.dateAndTime)]
        if service == "s3" {
            added.append(.init(name: "x-amz-content-sha256", value: request.payloadHash))
        }
        if let token = credentials.sessionToken {
            added.append(.init(name: "x-amz-security-token", value: token))
        }
        var fields = request.headers.filter { !Self.isOwn($0.name) }
        fields.append(("host", request.host))
        for field in added { fields.append((field.name, field.value)) }
        let headers = SignedHeaders(fields)

        var canonicalRequest = request.canonicalStart
        canonicalRequest += SigV4.canonicalQuery(request.query)
        canonicalRequest += headers.canonicalEnd(payloadHash: request.payloadHash)
        var state = try state(for: scope, credentials)
        let signature = try state.signature(of: canonicalRequest)

        var value = "\(SigV4.algorithm) Credential=\(credentials.accessKeyID)/\(scope.text)"
        value += ", SignedHeaders=\(headers.names), Signature=\(signature)"
        added.append(.init(name: "authorization", value: value))
        return added
    }

    /// Ready to sign requests of `scope`.
    func state(
        for scope: SigV4Scope, _ credentials: AWSCredentials
    ) throws(BlobError) -> SigningState {
        let key = try cache.key(
            secret: credentials.secretAccessKey, date: scope.date, region: scope.region,
            service: service)
        var state = try key.makeState()
        try state.setStringPrefix("\(SigV4.algorithm)\n\(scope.dateAndTime)\n\(scope.text)\n")
        return state
    }

    /// A line break that came with a key from a file or variable would break the header apart.
    func check(_ credentials: AWSCredentials, region: String) throws(BlobError) {
        guard Self.isSendable(credentials.accessKeyID),
            Self.isSendable(credentials.sessionToken ?? "-")
        else {
            throw BlobError(
                .backendAuthentication,
                "the access key ID or the session token is empty or has characters that no header"
                    + " can carry; look for a line break or a space in it")
        }
        guard Self.isSendable(region) else {
            throw BlobError(
                .backendAuthentication, "the region is empty or has characters that no region has")
        }
    }

    private static func isSendable(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ASCII.isVisible)
    }

    /// The fields that the signer itself adds or that stand outside.
    private static let ownNames = [
        "host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "authorization",
    ]

    private static func isOwn(_ name: String) -> Bool {
        ownNames.contains { HTTPHeaders.areEqual($0, name) }
    }
}

/// Where and on which day a signature holds.
struct SigV4Scope: Sendable {
    /// For example "20261123T231558Z".
    let dateAndTime: String
    let date: String
    let region: String
    /// For example "20261123/eu-central-1/s3/aws4_request".
    let text: String

    init(time: Timestamp, region: String, service: String) {
        dateAndTime = time.basicISO8601
        date = String(dateAndTime.prefix { $0 != "T" })
        self.region = region
        text = "\(date)/\(region)/\(service)/aws4_request"
    }
}

extension SigV4Request {
    /// The canonical request up to its query.
    var canonicalStart: String { "\(method)\n\(encodedPath)\n" }
}

extension SignedHeaders {
    /// The canonical request from the end of its query.
    func canonicalEnd(payloadHash: String) -> String {
        "\n\(canonicalText)\n\(names)\n\(payloadHash)"
    }
}
