internal import Backends
internal import BlobCore

/// The steps of an upload.
extension S3Dialect {
    func beginUpload(_ upload: NewUpload) async throws(CloudFailure) -> String {
        guard XMLText.escaped(upload.uri.key) != nil else {
            throw CloudFailure(
                BlobError(
                    .invalidURI,
                    "S3 names the key in its answers, and XML holds no control characters: such a"
                        + " blob can only be written whole"))
        }
        var request = CloudRequest(.post, upload.uri, "beginning the upload")
        request.query = [(name: "uploads", value: "")]
        request.expectsDocument = true
        do throws(BlobError) {
            request.headers = try metadata.headers(
                upload.attributes, commitToken: upload.commitToken)
        } catch {
            throw CloudFailure(error)
        }
        request.headers.append(options.creation)
        request.headers.append(options.customerKey)
        if upload.hasChecksums, let checksum {
            request.headers.append("x-amz-checksum-algorithm", checksum.algorithmName)
            request.headers.append("x-amz-checksum-type", checksum.typeName)
        }
        let document = try await client.reply(request, deadline: upload.deadline).document
        guard document.name == "InitiateMultipartUploadResult",
            let uploadID = document.text(of: "UploadId"), !uploadID.isEmpty
        else { throw CloudFailure.nonsense(request, "without the name of the upload") }
        return uploadID
    }

    func uploadPart(_ part: PartUpload) async throws(CloudFailure) -> StoredPart {
        var request = CloudRequest(
            .put, part.upload.uri, "writing part \(part.number) of the blob")
        request.query = [
            (name: "partNumber", value: String(part.number)),
            (name: "uploadId", value: part.upload.uploadID),
        ]
        request.headers = options.customerKey
        var checksum: String?
        if case .bytes(let pieces, _) = part.body {
            do throws(BlobError) {
                checksum = try await attach(
                    pieces, to: &request, checksum: part.upload.hasChecksums ? self.checksum : nil)
            } catch {
                throw CloudFailure(error)
            }
        } else {
            request.body = part.body
            // S3-08: a refusal should come before the bytes that can be sent only once.
            request.expectsContinue = true
        }
        let reply = try await client.reply(request, deadline: part.deadline)
        guard let etag = reply.headers.entityTag else {
            throw CloudFailure(EntityTag.missing(part.upload.uri))
        }
        return StoredPart(
            number: part.number, etag: etag, byteCount: part.body.byteCount, checksum: checksum)
    }

    func finishUpload(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        var parts = parts
        if parts.isEmpty {
            // S3-14: the service wants at least one part.
            parts = [
                try await uploadPart(
                    PartUpload(
                        upload: upload, number: 1, body: .bytes([]), deadline: write.deadline))
            ]
        }
        var request = CloudRequest(.post, upload.uri, "completing the upload")
        request.query = [(name: "uploadId", value: upload.uploadID)]
        request.headers = write.condition.headers
        request.headers.append(options.customerKey)
        request.headers.append("content-type", "application/xml")
        let body = Bytes(utf8: completion(parts))
        do throws(BlobError) {
            request.body = .bytes([body], sha256: try SigV4.payloadHash([body]))
        } catch {
            throw CloudFailure(error)
        }
        request.expectsDocument = true
        request.takesLong = true
        let reply = try await client.reply(
            request, maximumByteCount: 1 << 20, deadline: write.deadline)
        guard reply.document.name == "CompleteMultipartUploadResult",
            let etag = reply.document.text(of: "ETag").flatMap(EntityTag.quoted)
        else { throw CloudFailure.nonsense(request, "without an entity tag") }
        return FinishedUpload(etag: etag, version: metadata.version(reply.headers))
    }

    private func completion(_ parts: [StoredPart]) -> String {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts {
            // S3-13: quotes and ampersands in a tag must not become markup.
            let etag = part.etag.flatMap(XMLText.escaped) ?? ""
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(etag)</ETag>"
            if let checksum, let value = part.checksum {
                text += "<\(checksum.elementName)>\(value)</\(checksum.elementName)>"
            }
            text += "</Part>"
        }
        return text + "</CompleteMultipartUpload>"
    }

    func abandonUpload(
        _ upload: CloudUpload, deadline: CallDeadline
    ) async throws(CloudFailure) {
        var request = CloudRequest(.delete, upload.uri, "giving up the upload")
        request.query = [(name: "uploadId", value: upload.uploadID)]
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: deadline)
        } catch {
            guard error.status == 404 else { throw error }
        }
    }
}
