internal import Backends
internal import BlobCore

extension CloudStore {
    /// Writes a blob: by one request when it fits into a part, else in parts that move in parallel.
    /// Either way it appears whole or not at all (W-73).
    func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        do throws(BlobError) {
            return try await write(uri, body, options)
        } catch {
            throw error.on(uri)
        }
    }

    private func write(
        _ uri: BlobURI, _ body: BlobBody, _ options: PutOptions
    ) async throws(BlobError) -> PutResult {
        let write = CloudWrite(
            uri: uri,
            attributes: try BlobAttributes(checking: options.contentType, options.userMetadata),
            condition: options.condition, deadline: CallDeadline(options.call),
            commitToken: try RandomName.make())
        let sizes = try PartSizes(
            byteCount: body.byteCount, preferredByteCount: settings.partByteCount,
            limits: dialect.limits, memoryByteCount: memory.byteCount)
        let reader = try BodyReader(
            body, computesSHA256: options.computesSHA256, expectedSHA256: options.expectedSHA256,
            hashing: hashing, uri: uri)
        let firstByteCount = sizes.byteCount(ofPart: 1)
        let known = body.byteCount.map { Int(clamping: $0) } ?? firstByteCount
        let ticket = try await memory.take(min(firstByteCount, known))
        let first = FirstPart(try await reader.part(upTo: firstByteCount), ticket)
        var result: PutResult
        if try await reader.isAtEnd() {
            let sha256 = try reader.sha256()
            result = try await putWhole(first.takePieces(), write)
            ticket.end()
            result.sha256 = sha256
        } else if let upload = try await dialect.beginOrderedUpload(write) {
            result = try await putInOrder(first, reader, sizes, write, upload)
        } else {
            result = try await putParts(first, reader, sizes, write)
        }
        if !options.computesSHA256 { result.sha256 = nil }
        return result
    }

    private func putWhole(
        _ pieces: [Bytes], _ write: CloudWrite
    ) async throws(BlobError) -> PutResult {
        let request = try await dialect.putRequest(pieces, write)
        do throws(CloudFailure) {
            let reply = try await dialect.client.reply(request, deadline: write.deadline)
            guard let etag = reply.headers.entityTag else {
                throw CloudFailure(EntityTag.missing(write.uri))
            }
            return PutResult(
                etag: etag, byteCount: request.body.byteCount,
                version: dialect.metadata.version(reply.headers))
        } catch {
            // S3-21: the condition may have failed because of our own first attempt. The engine sends
            // nothing with a condition twice by itself.
            if error.isAmbiguous, write.condition != .overwrite,
                let result = try await committed(write, after: error)
            {
                return result
            }
            throw write.condition.error(for: error)
        }
    }

    /// The blob that is there if it certainly is the one that `write` has made, although it failed.
    func committed(
        _ write: CloudWrite, after failure: CloudFailure
    ) async throws(BlobError) -> PutResult? {
        try await committedBlob(write, after: failure)?.result
    }

    /// The same, with all that is said of it.
    ///
    /// - Throws: `backendUnavailable` when nobody can tell: an answer was lost, the next one says that
    ///   there is a blob, and whose it is does not show.
    func committedBlob(
        _ write: CloudWrite, after failure: CloudFailure
    ) async throws(BlobError) -> (result: PutResult, headers: HTTPHeaders)? {
        let isTold: Bool
        do throws(BlobError) {
            let reply = try await headReply(write.uri, GetOptions(), write.deadline)
            if reply.headers[dialect.metadata.commitTokenHeader] == write.commitToken,
                let etag = reply.headers.entityTag
            {
                let result = PutResult(
                    etag: etag, byteCount: try size(reply, write.uri),
                    version: dialect.metadata.version(reply.headers))
                return (result, reply.headers)
            }
            isTold = dialect.metadata.takesToken(with: write.attributes)
        } catch {
            isTold = error.code == .notFound || error.code == .containerNotFound
        }
        let hasRefusal =
            failure.error.code == .uploadNotFound || write.condition.isRefused(by: failure)
        guard !isTold, failure.isAmbiguous, hasRefusal else { return nil }
        var unknown = BlobError(
            .backendUnavailable,
            "an answer was lost, and whether the blob is the one written cannot be told: look at it"
                + " before writing again",
            origin: .backend)
        unknown.retry = .callerDecides
        throw unknown
    }
}
