internal import Backends
public import BlobCore

extension S3Backend {
    /// Signs a URL that does one thing with the blob.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        let signing: S3Signing
        do throws(BlobError) {
            signing = try await prepareSigning(uri, options)
            let query = try client.signer.presignedQuery(
                signing.request(method.rawValue, query: []), credentials: signing.credentials,
                region: signing.region, at: signing.now, validSeconds: signing.validSeconds)
            return PresignedURL(
                url: "\(signing.base)?\(query)", method: method.rawValue,
                headers: signing.mandatoryHeaders, expiresAt: signing.expiresAt)
        } catch {
            throw error.on(uri)
        }
    }

    /// One URL a part; only the part number differs, so that the rest is computed once.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        guard partNumbers.count <= Int(S3Limits.maximumPartCount) else {
            throw BlobError(.invalidArgument, "at most 10000 parts in one call", uri: upload.uri)
        }
        for partNumber in partNumbers {
            try UploadRules.checkPartNumber(partNumber, upload.uri)
        }
        let name = try S3UploadName(upload)
        do throws(BlobError) {
            let signing = try await prepareSigning(upload.uri, options)
            // S3-20: nothing but what names the part, or plain clients would have to send more.
            let request = signing.request(
                "PUT", query: [(name: "uploadId", value: name.uploadID)])
            let urls = try client.signer.presignedPartURLs(
                base: signing.base, request: request, partNumbers: partNumbers,
                credentials: signing.credentials, region: signing.region, at: signing.now,
                validSeconds: signing.validSeconds)
            let headers = signing.mandatoryHeaders
            return urls.map { url in
                PresignedURL(
                    url: url, method: "PUT", headers: headers, expiresAt: signing.expiresAt)
            }
        } catch {
            throw error.on(upload.uri)
        }
    }

    /// Everything that the URLs of one call share.
    private func prepareSigning(
        _ uri: BlobURI, _ options: PresignOptions
    ) async throws(BlobError) -> S3Signing {
        // Before anything else (CM-16).
        guard (1...PresignOptions.maximumSeconds).contains(options.validSeconds) else {
            throw BlobError(.presign, "a URL is valid for 1 second to 7 days")
        }
        // S3-03: common clients "normalise" such paths, and the signature breaks far from here.
        guard
            !uri.key.split(separator: "/", omittingEmptySubsequences: false).contains(where: {
                $0 == "." || $0 == ".."
            })
        else {
            throw BlobError(
                .presign,
                "a key with '.' or '..' between slashes cannot be signed: HTTP clients rewrite such"
                    + " URLs; read or write it through this server")
        }
        guard let source = client.parts.credentials else {
            throw BlobError(.presign, "this store has no credentials to sign with")
        }
        let region = try await client.parts.regions.region(of: uri.container, now: .now)
        let address = try endpoint.address(bucket: uri.container, region: region)
        let encodedPath = address.encodedPath(key: uri.key)
        guard !encodedPath.hasPrefix("//") else {
            throw BlobError(
                .presign,
                "a key that begins with '/' cannot be signed when its bucket is in the host: HTTP"
                    + " clients drop the slash; read or write it through this server")
        }
        return try S3Signing(
            address: address, encodedPath: encodedPath, region: region,
            credentials: try await source.credentials(), now: client.now,
            wantedSeconds: options.validSeconds,
            headers: self.options.customerKey)
    }
}

/// What the signed URLs of one call have in common.
private struct S3Signing {
    let address: S3Address
    let encodedPath: String
    let region: String
    let credentials: AWSCredentials
    let now: Timestamp
    let validSeconds: UInt32
    private let headers: HTTPHeaders

    /// S3-19: a URL ends with the credentials that signed it.
    init(
        address: S3Address, encodedPath: String, region: String, credentials: AWSCredentials,
        now: Timestamp, wantedSeconds: UInt32, headers: HTTPHeaders
    ) throws(BlobError) {
        self.address = address
        self.encodedPath = encodedPath
        self.region = region
        self.credentials = credentials
        self.now = now
        self.headers = headers
        guard let end = credentials.expiresAt else {
            validSeconds = wantedSeconds
            return
        }
        let remaining = (end.milliseconds - now.milliseconds) / 1000
        guard remaining >= 1 else {
            throw BlobError(
                .backendAuthentication, "the server's credentials have just expired",
                origin: .backend)
        }
        validSeconds = UInt32(min(Int64(wantedSeconds), remaining))
    }

    var base: String { address.origin + encodedPath }

    /// The signature's own time has whole seconds: so has the end.
    var expiresAt: Timestamp {
        let start = now.milliseconds - now.milliseconds % 1000
        return Timestamp(milliseconds: start + Int64(validSeconds) * 1000)
    }

    /// A customer's key never goes into a URL, and its user has to send the headers.
    var mandatoryHeaders: [String: String] {
        var result: [String: String] = [:]
        for field in headers.fields { result[field.name] = field.value }
        return result
    }

    func request(_ method: String, query: [(name: String, value: String)]) -> SigV4Request {
        SigV4Request(
            method: method, host: address.host, encodedPath: encodedPath, query: query,
            headers: headers.fields.map { (name: $0.name, value: $0.value) },
            payloadHash: SigV4.unsignedPayload)
    }
}
