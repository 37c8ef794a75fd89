internal import Backends
public import BlobCore

extension S3Backend {
    /// Copies within the service; the bytes do not come here (W-77).
    ///
    /// Up to 5 GiB by CopyObject; larger ones, and those with a condition on the destination, part
    /// by part, for only then the service checks the condition.
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let deadline = CallDeadline(options.call)
        var get = GetOptions()
        get.ifMatch = options.ifSourceMatch
        let reply = try await store.headReply(source, get, deadline)
        let copy = S3BlobCopy(source: source, metadata: try store.metadata(reply, source))
        do throws(BlobError) {
            if options.condition == .overwrite,
                copy.metadata.byteCount <= S3Limits.maximumCopyByteCount
            {
                return try await copyWhole(copy, to: destination, deadline)
            }
            return try await copyParts(copy, to: destination, options.condition, deadline)
        } catch {
            throw error.on(destination)
        }
    }

    private func copyWhole(
        _ copy: S3BlobCopy, to destination: BlobURI, _ deadline: CallDeadline
    ) async throws(BlobError) -> PutResult {
        var request = CloudRequest(.put, destination, "copying the blob")
        copy.addSource(to: &request.headers)
        request.headers.append(dialect.options.copySourceKey)
        request.headers.append(dialect.options.creation)
        request.headers.append(dialect.options.customerKey)
        if copy.source == destination {
            // The service refuses a copy onto itself that changes nothing.
            request.headers.append("x-amz-metadata-directive", "REPLACE")
            request.headers.append(
                try dialect.metadata.headers(copy.attributes, commitToken: nil))
        }
        request.expectsDocument = true
        request.takesLong = true
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: deadline)
            let document = reply.document
            guard let etag = document.text(of: "ETag").flatMap(EntityTag.quoted) else {
                throw CloudFailure.nonsense(request, "without an entity tag")
            }
            return PutResult(
                etag: etag, byteCount: copy.metadata.byteCount,
                version: dialect.metadata.version(reply.headers))
        } catch {
            throw copy.error(for: error)
        }
    }

    private func copyParts(
        _ copy: S3BlobCopy, to destination: BlobURI, _ condition: WriteCondition,
        _ deadline: CallDeadline
    ) async throws(BlobError) -> PutResult {
        let write = CloudWrite(
            uri: destination, attributes: copy.attributes, condition: condition,
            deadline: deadline, commitToken: try RandomName.make())
        return try await store.putByUpload(write, hasChecksums: false) {
            upload async throws(BlobError) in
            try await self.store.copiedParts(
                of: copy.metadata.byteCount, preferredByteCount: Self.copyPartByteCount
            ) { await self.copyPart(copy, $0, to: upload, $1, deadline) }
        }
    }

    /// Large enough that the service does the work and not the requests.
    private static let copyPartByteCount = 512 << 20

    private func copyPart(
        _ copy: S3BlobCopy, _ range: Range<UInt64>, to upload: CloudUpload, _ number: UInt32,
        _ deadline: CallDeadline
    ) async -> PartOutcome {
        var request = CloudRequest(.put, upload.uri, "copying part \(number) of the blob")
        request.query = [
            (name: "partNumber", value: String(number)), (name: "uploadId", value: upload.uploadID),
        ]
        copy.addSource(to: &request.headers)
        request.headers.append(
            "x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        request.headers.append(dialect.options.copySourceKey)
        request.headers.append(dialect.options.customerKey)
        request.expectsDocument = true
        request.takesLong = true
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: deadline)
            let document = reply.document
            guard let etag = document.text(of: "ETag").flatMap(EntityTag.quoted) else {
                throw CloudFailure.nonsense(request, "without an entity tag")
            }
            return .success(
                StoredPart(
                    number: number, etag: etag, byteCount: range.upperBound - range.lowerBound))
        } catch {
            return .failure(copy.error(for: error))
        }
    }
}

/// What is copied, in the version that was looked at first.
struct S3BlobCopy: Sendable {
    var source: BlobURI
    var metadata: BlobMetadata

    var attributes: BlobAttributes {
        BlobAttributes(contentType: metadata.contentType, userMetadata: metadata.userMetadata)
    }

    func addSource(to headers: inout HTTPHeaders) {
        let path = "/\(source.container)/\(source.key)"
        headers.append("x-amz-copy-source", PercentEncoding.path(path))
        headers.append("x-amz-copy-source-if-match", metadata.etag)
    }

    /// The only condition of these requests is about the source.
    func error(for failure: CloudFailure) -> BlobError {
        guard failure.error.code == .preconditionFailed else { return failure.error }
        return BlobError(
            .objectChanged, "the source was replaced while it was copied; copy it again",
            uri: source, origin: .backend)
    }
}
