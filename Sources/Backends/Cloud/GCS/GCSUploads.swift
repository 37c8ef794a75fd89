internal import Backends
internal import BlobCore

/// The steps of an upload in parts.
extension GCSDialect {
    var uploads: XMLUploads { XMLUploads(client: client, partHeaders: options.customerKey) }

    func beginUpload(_ upload: NewUpload) async throws(CloudFailure) -> String {
        let headers: HTTPHeaders
        do throws(BlobError) {
            headers = try creationHeaders(upload.attributes, commitToken: upload.commitToken)
        } catch {
            throw CloudFailure(error)
        }
        return try await uploads.begin(upload.uri, headers, upload.deadline)
    }

    func uploadPart(_ part: PartUpload) async throws(CloudFailure) -> StoredPart {
        var request = uploads.request(part)
        if case .bytes(let pieces, _) = part.body {
            do throws(BlobError) {
                _ = try await attach(pieces, to: &request)
            } catch {
                throw CloudFailure(error)
            }
        } else {
            request.body = part.body
            // S3-08: a refusal should come before the bytes that can be sent only once.
            request.expectsContinue = true
        }
        return try await uploads.send(request, part, checksum: nil)
    }

    func finishUpload(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        if write.condition != .overwrite { throw await refusal(of: write) }
        guard parts.isEmpty else { return try await complete(upload, parts, write) }
        // GC-05: the service wants at least one part.
        let empty = PartUpload(
            upload: upload, number: 1, body: .bytes([]), deadline: write.deadline)
        do throws(CloudFailure) {
            return try await complete(upload, [try await uploadPart(empty)], write)
        } catch {
            guard error.status == 400 else { throw error }
        }
        return try await putEmpty(upload, write)
    }

    /// GC-07: an upload in parts is finished without a condition or not at all, and looking first
    /// would be no condition.
    private func refusal(of write: CloudWrite) async -> CloudFailure {
        do throws(BlobError) {
            let reply = try await headReply(write.uri, GetOptions(), write.deadline)
            switch write.condition {
            case .ifMatch(let etag) where EntityTag.quoted(etag) == reply.headers.entityTag: break
            default: return CloudFailure(BlobError(.preconditionFailed, "", origin: .backend))
            }
        } catch {
            guard error.code == .notFound, write.condition == .createOnly else {
                return CloudFailure(error)
            }
        }
        return CloudFailure(
            BlobError(
                .unsupportedOperation,
                "Google Cloud Storage finishes uploads in parts without conditions only; complete"
                    + " without one, or put the blob in one call, which keeps it",
                origin: .backend))
    }

    private func complete(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        let (etag, reply) = try await uploads.finish(
            upload, .bytes([Bytes(utf8: Self.completion(parts))]), HTTPHeaders(), write.deadline)
        return FinishedUpload(etag: etag, version: metadata.version(reply.headers))
    }

    static func completion(_ parts: [StoredPart]) -> String {
        var text = "<CompleteMultipartUpload>"
        for part in parts {
            // GC-05: the service takes a tag as it stands, quotes and all; but what comes from outside
            // must not become markup.
            let etag = (part.etag.flatMap(XMLText.escaped) ?? "").replacing("&quot;", with: "\"")
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(etag)</ETag></Part>"
        }
        return text + "</CompleteMultipartUpload>"
    }

    /// Where an upload of one empty part is refused: its attributes are not known any more.
    private func putEmpty(
        _ upload: CloudUpload, _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        try await abandonUpload(upload, deadline: write.deadline)
        var request = CloudRequest(.put, write.uri, "writing the empty blob")
        do throws(BlobError) {
            request.headers = try creationHeaders(write.attributes, commitToken: write.commitToken)
            _ = try await attach([], to: &request)
        } catch {
            throw CloudFailure(error)
        }
        let reply = try await client.reply(request, deadline: write.deadline)
        guard let etag = reply.headers.entityTag else {
            throw CloudFailure(EntityTag.missing(write.uri))
        }
        return FinishedUpload(etag: etag, version: metadata.version(reply.headers))
    }

    func abandonUpload(
        _ upload: CloudUpload, deadline: CallDeadline
    ) async throws(CloudFailure) {
        try await uploads.abandon(upload, deadline)
    }
}
