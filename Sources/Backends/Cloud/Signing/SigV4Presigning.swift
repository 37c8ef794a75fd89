internal import BlobCore

extension SigV4Signer {
    /// The complete encoded query of a presigned URL, ending in `X-Amz-Signature`.
    ///
    /// Nothing is added to what the caller gives but the parameters of the signature (S3-20), and
    /// only `host` and `request.headers` are signed: whoever uses the URL must send those.
    func presignedQuery(
        _ request: SigV4Request, credentials: AWSCredentials, region: String, at time: Timestamp,
        validSeconds: UInt32
    ) throws(BlobError) -> String {
        let parts = try presignParts(
            request, credentials: credentials, region: region, at: time,
            validSeconds: validSeconds)
        let query = SigV4.canonicalQuery(parts.query)
        var state = try state(for: parts.scope, credentials)
        let signature = try state.signature(
            of: request.canonicalStart + query
                + parts.headers.canonicalEnd(payloadHash: request.payloadHash))
        return "\(query)&X-Amz-Signature=\(signature)"
    }

    /// The URLs of many parts of one upload, in which only `partNumber` varies.
    ///
    /// Everything before the number is hashed once; then a URL costs a few blocks of SHA-256.
    ///
    /// - Parameters:
    ///   - base: scheme, host and `request.encodedPath`.
    ///   - request: a `PUT` whose query has the `uploadId` and no `partNumber`.
    func presignedPartURLs(
        base: String, request: SigV4Request, partNumbers: [UInt32], credentials: AWSCredentials,
        region: String, at time: Timestamp, validSeconds: UInt32
    ) throws(BlobError) -> [String] {
        let parts = try presignParts(
            request, credentials: credentials, region: region, at: time,
            validSeconds: validSeconds)
        let (before, after) = SigV4.canonicalQuery(parts.query, around: "partNumber")
        var state = try state(for: parts.scope, credentials)
        try state.setRequestPrefix(request.canonicalStart + before)
        var template = PartURLTemplate(
            start: "\(base)?\(before)", queryEnd: after,
            requestEnd: after + parts.headers.canonicalEnd(payloadHash: request.payloadHash))
        var urls: [String] = []
        urls.reserveCapacity(partNumbers.count)
        for number in partNumbers { urls.append(try template.url(of: number, &state)) }
        return urls
    }

    private struct PresignParts {
        var scope: SigV4Scope
        var headers: SignedHeaders
        var query: [(name: String, value: String)]
    }

    private func presignParts(
        _ request: SigV4Request, credentials: AWSCredentials, region: String, at time: Timestamp,
        validSeconds: UInt32
    ) throws(BlobError) -> PresignParts {
        try check(credentials, region: region)
        guard validSeconds >= 1, validSeconds <= SigV4.maximumValidSeconds else {
            throw BlobError(
                .presign, "a URL can be valid for 1 to \(SigV4.maximumValidSeconds) seconds")
        }
        let scope = SigV4Scope(time: time, region: region, service: service)
        let headers = SignedHeaders(
            request.headers.filter { !HTTPHeaders.areEqual($0.name, "host") }
                + [("host", request.host)])
        var query = request.query
        query.append(("X-Amz-Algorithm", SigV4.algorithm))
        query.append(("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope.text)"))
        query.append(("X-Amz-Date", scope.dateAndTime))
        query.append(("X-Amz-Expires", String(validSeconds)))
        query.append(("X-Amz-SignedHeaders", headers.names))
        if let token = credentials.sessionToken {
            // Signed like the rest, so that nobody can take it away (S3-04).
            query.append(("X-Amz-Security-Token", token))
        }
        return PresignParts(scope: scope, headers: headers, query: query)
    }
}
