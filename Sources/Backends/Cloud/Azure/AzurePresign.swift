internal import Backends
public import BlobCore

extension AzureBackend {
    /// Signs a URL that reads, writes or deletes the blob. One to read serves GET and HEAD alike: the
    /// service does not tell them apart. One to write needs the field that `headers` has.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        do throws(BlobError) {
            let (grant, resource) = try await prepareSigning(uri, options)
            return PresignedURL(
                url: try grant.url(of: resource, permissions: method.permissions),
                method: method.rawValue,
                headers: method == .put ? ["x-ms-blob-type": "BlockBlob"] : [:],
                expiresAt: grant.end)
        } catch {
            throw error.on(uri)
        }
    }

    /// One URL a part; they differ in the block's name only, which is not signed. Plain PUTs.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        try PresignRules.check(partNumbers, of: upload)
        let name = try UploadName(upload)
        do throws(BlobError) {
            let named = try dialect.upload(name.uploadID, upload.uri)
            let (grant, resource) = try await prepareSigning(upload.uri, options)
            // AZ-04: a block needs the right to write, the right to create is not enough.
            let signedURL = try grant.url(of: resource, permissions: .write)
            return named.blocks.urls(of: partNumbers, signedURL: signedURL).map { url in
                PresignedURL(url: url, method: "PUT", headers: [:], expiresAt: grant.end)
            }
        } catch {
            throw error.on(upload.uri)
        }
    }

    private func prepareSigning(
        _ uri: BlobURI, _ options: PresignOptions
    ) async throws(BlobError) -> (AzureGrant, AzureResource) {
        let resource = try service.resource(uri)
        // Before anybody is asked (CM-16).
        try PresignRules.check(uri, options)
        let grant = try await AzureGrant(
            credentials: try await service.credentials.credentials(),
            delegationKeys: delegationKeys, now: service.clock.now,
            validSeconds: options.validSeconds)
        return (grant, resource)
    }
}

extension PresignMethod {
    /// AZ-04: the least that does it.
    fileprivate var permissions: AzurePermissions {
        switch self {
        case .get, .head: .read
        case .put: .write
        case .delete: .delete
        }
    }
}

/// Fetches delegation keys as the backend does everything else: authorised anew and repeated (AZ-13).
struct AzureDelegationKeyClient: AzureDelegationKeySender {
    let client: CloudClient

    func send(_ request: AzureDelegationKeyRequest) async throws(BlobError) -> Bytes {
        var post = CloudRequest(.post, AzureBlobService.root, "fetching a key to sign URLs with")
        post.query = AzureDelegationKeyRequest.query
        post.headers.append("content-type", "application/xml")
        post.body = .bytes([request.body])
        do throws(CloudFailure) {
            return try await client.reply(
                post, deadline: CallDeadline(CallOptions(timeout: .seconds(60)))
            ).body
        } catch {
            throw error.error
        }
    }
}
