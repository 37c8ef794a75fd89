internal import Backends
public import BlobCore

extension GCSBackend {
    /// Signs a URL that does one thing with the blob.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        do throws(BlobError) {
            let signing = try signing(method.rawValue, uri, options)
            let signed = try await signing.signer.url(
                signing.request, at: service.clock.now, validSeconds: options.validSeconds)
            guard let url = signing.urls(signed).first else {
                throw BlobError(.internal, "the signer gave no URL")
            }
            return url
        } catch {
            throw error.on(uri)
        }
    }

    /// One URL a part; nothing but the part number differs.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        try PresignRules.check(partNumbers, of: upload)
        let name = try UploadName(upload)
        do throws(BlobError) {
            var signing = try signing("PUT", upload.uri, options)
            signing.request.query.append((name: "uploadId", value: name.uploadID))
            return signing.urls(
                try await signing.signer.partURLs(
                    signing.request, partNumbers: partNumbers, at: service.clock.now,
                    validSeconds: options.validSeconds))
        } catch {
            throw error.on(upload.uri)
        }
    }

    /// Everything that the URLs of one call share.
    private func signing(
        _ method: String, _ uri: BlobURI, _ options: PresignOptions
    ) throws(BlobError) -> GCSSigning {
        // Before anything else (CM-16).
        try PresignRules.check(uri, options)
        guard let source = service.credentials else {
            throw BlobError(.presign, "this store has no credentials to sign with")
        }
        // A customer's key never goes into a URL, and its user has to send the headers.
        let headers = dialect.options.customerKey.fields.map { (name: $0.name, value: $0.value) }
        var request = GoogleV4Request(
            method: method, origin: service.endpoint.origin, host: service.endpoint.host,
            encodedPath: try GCSEndpoint.encodedPath(uri), headers: headers)
        if let project = dialect.options.userProject {
            // As a parameter, or plain clients would have to send more.
            request.query.append((name: "userProject", value: project))
        }
        return GCSSigning(
            request: request, signer: GoogleURLSigner(source: source, pool: store.hashing))
    }
}

/// What the signed URLs of one call have in common.
private struct GCSSigning {
    var request: GoogleV4Request
    let signer: GoogleURLSigner

    func urls(_ signed: GoogleSignedURLs) -> [PresignedURL] {
        var headers: [String: String] = [:]
        for (name, value) in request.headers { headers[name] = value }
        return signed.urls.map { url in
            PresignedURL(
                url: url, method: request.method, headers: headers, expiresAt: signed.expiresAt)
        }
    }
}
