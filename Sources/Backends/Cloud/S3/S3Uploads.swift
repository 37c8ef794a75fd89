internal import Backends
internal import BlobCore

/// The steps of an upload.
extension S3Dialect {
    var uploads: XMLUploads { XMLUploads(client: client, partHeaders: options.customerKey) }

    func beginUpload(_ upload: NewUpload) async throws(CloudFailure) -> String {
        var headers: HTTPHeaders
        do throws(BlobError) {
            headers = try metadata.headers(upload.attributes, commitToken: upload.commitToken)
        } catch {
            throw CloudFailure(error)
        }
        headers.append(options.creation)
        headers.append(options.customerKey)
        if upload.hasChecksums, let checksum {
            headers.append("x-amz-checksum-algorithm", checksum.algorithmName)
            headers.append("x-amz-checksum-type", checksum.typeName)
        }
        return try await uploads.begin(upload.uri, headers, upload.deadline)
    }

    func uploadPart(_ part: PartUpload) async throws(CloudFailure) -> StoredPart {
        var request = uploads.request(part)
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
        return try await uploads.send(request, part, checksum: checksum)
    }

    func finishUpload(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload {
        var parts = parts
        if parts.isEmpty {
            // S3-14: the service wants at least one part.
            let empty = PartUpload(
                upload: upload, number: 1, body: .bytes([]), deadline: write.deadline)
            parts = [try await uploadPart(empty)]
        }
        let list: CloudBody
        do throws(BlobError) {
            let document = Bytes(utf8: completion(parts))
            list = .bytes([document], sha256: try SigV4.payloadHash([document]))
        } catch {
            throw CloudFailure(error)
        }
        let (etag, reply) = try await uploads.finish(
            upload, list, write.condition.headers, write.deadline)
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
        try await uploads.abandon(upload, deadline)
    }
}
