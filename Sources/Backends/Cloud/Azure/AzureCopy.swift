internal import Backends
public import BlobCore

extension AzureBackend {
    /// Copies within the account; the bytes do not come here (W-77).
    ///
    /// Up to 256 MiB by Put Blob From URL; larger ones block by block, several at once. Neither leaves
    /// half a blob, and both are done when they are answered: there is nothing to poll or to give up.
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let deadline = CallDeadline(options.call)
        var get = GetOptions()
        get.ifMatch = options.ifSourceMatch
        let reply = try await store.headReply(source, get, deadline)
        do throws(BlobError) {
            let copy = AzureBlobCopy(
                source: source, url: try await sourceURL(source),
                metadata: try store.metadata(reply, source))
            var write = CloudWrite(
                uri: destination, attributes: copy.attributes, condition: options.condition,
                deadline: deadline, commitToken: try RandomName.make())
            if copy.metadata.byteCount <= dialect.copyByteCount {
                return try await copyWhole(copy, write)
            }
            write.properties = Self.properties(reply.headers)
            return try await store.putByUpload(write, hasChecksums: false) {
                upload async throws(BlobError) in
                try await self.copiedBlocks(copy, to: upload, deadline)
            }
        } catch {
            throw error.on(destination)
        }
    }

    /// What a blob can have besides its type and metadata. By one request they come along.
    private static func properties(_ headers: HTTPHeaders) -> HTTPHeaders {
        var properties = HTTPHeaders()
        for name in [
            "content-encoding", "content-language", "content-disposition", "cache-control",
        ] {
            if let value = headers[name] { properties.append("x-ms-blob-\(name)", value) }
        }
        return properties
    }

    /// The service reads the source as anybody does, so it has to be shown that it may.
    private func sourceURL(_ source: BlobURI) async throws(BlobError) -> String {
        let resource = try service.resource(source)
        switch try await service.credentials.credentials().kind {
        case .sharedKey(let key):
            let signature = AzureSharedAccessSignature(
                resource: resource, permissions: .read,
                expiry: Timestamp(
                    milliseconds: (service.clock.now.milliseconds / 1000 + 24 * 3600) * 1000))
            return try signature.url(by: .account(key))
        case .sasToken(let token): return "\(resource.url)?\(token)"
        // A token goes along in a field of its own, anew with every attempt.
        case .token, .anonymous: return resource.url
        }
    }

    private func copyWhole(
        _ copy: AzureBlobCopy, _ write: CloudWrite
    ) async throws(BlobError) -> PutResult {
        var request = CloudRequest(.put, write.uri, "copying the blob")
        request.headers.append("x-ms-blob-type", "BlockBlob")
        copy.addSource(to: &request.headers)
        // Other properties come along; metadata do not.
        request.headers.append(
            try dialect.metadata.headers(
                write.attributes,
                commitToken: write.condition == .overwrite ? nil : write.commitToken))
        request.headers.append(dialect.options.creation)
        request.headers.append(write.condition.headers)
        request.takesLong = true
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: write.deadline)
            guard let etag = reply.headers.entityTag else {
                throw CloudFailure(EntityTag.missing(write.uri))
            }
            return PutResult(
                etag: etag, byteCount: copy.metadata.byteCount,
                version: dialect.metadata.version(reply.headers))
        } catch {
            // S3-21
            if error.isAmbiguous, write.condition != .overwrite,
                let result = try await store.committed(write, after: error)
            {
                return result
            }
            throw write.condition.error(for: copy.explained(error))
        }
    }

    private func copiedBlocks(
        _ copy: AzureBlobCopy, to upload: CloudUpload, _ deadline: CallDeadline
    ) async throws(BlobError) -> [StoredPart] {
        let named = try dialect.upload(upload.uploadID, upload.uri)
        return try await store.copiedParts(
            of: copy.metadata.byteCount, preferredByteCount: Int(clamping: dialect.copyByteCount)
        ) { await self.copyBlock(copy, $0, to: upload.uri, named.blocks, $1, deadline) }
    }

    private func copyBlock(
        _ copy: AzureBlobCopy, _ range: Range<UInt64>, to uri: BlobURI, _ names: AzureBlockNames,
        _ number: UInt32, _ deadline: CallDeadline
    ) async -> PartOutcome {
        var request = CloudRequest(.put, uri, "copying part \(number) of the blob")
        request.query = [
            (name: "comp", value: "block"), (name: "blockid", value: names.name(of: number)),
        ]
        copy.addSource(to: &request.headers)
        request.headers.append(
            "x-ms-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        request.headers.append(dialect.options.blocks)
        request.takesLong = true
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: deadline)
            return .success(
                StoredPart(number: number, byteCount: range.upperBound - range.lowerBound))
        } catch {
            return .failure(copy.explained(error).error)
        }
    }
}

/// What is copied, in the version that was looked at first.
struct AzureBlobCopy: Sendable {
    static let sourceField = "x-ms-copy-source"
    static let sourceAuthorizationField = "x-ms-copy-source-authorization"

    var source: BlobURI
    /// May hold a signature: for no message or log.
    var url: String
    var metadata: BlobMetadata

    var attributes: BlobAttributes {
        BlobAttributes(contentType: metadata.contentType, userMetadata: metadata.userMetadata)
    }

    func addSource(to headers: inout HTTPHeaders) {
        headers.append(Self.sourceField, url)
        headers.append("x-ms-source-if-match", metadata.etag)
    }

    /// What was there when it was looked at, and is not any more, has changed.
    func explained(_ failure: CloudFailure) -> CloudFailure {
        guard failure.error.code == .notFound || failure.error.code == .objectChanged else {
            return failure
        }
        var failure = failure
        failure.error = BlobError(
            .objectChanged, "the source was replaced while it was copied; copy it again",
            uri: source, origin: .backend)
        return failure
    }
}
