internal import Backends
public import BlobCore

extension S3Backend {
    /// Makes the blob from its parts. Safe to repeat: an upload that was completed before is known
    /// by its commit token (S3-11).
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let name = try S3UploadName(upload)
        do throws(BlobError) {
            var checked = try Self.check(parts)
            let write = S3Write(
                uri: upload.uri, attributes: BlobAttributes(), condition: options.condition,
                deadline: CallDeadline(options.call), commitToken: name.commitToken)
            if checked.isEmpty { checked = [try await sendEmptyPart(upload, name, write)] }
            let byteCounts = checked.compactMap(\.byteCount)
            let byteCount = byteCounts.count == checked.count ? byteCounts.reduce(0, &+) : nil
            return try await finishUpload(
                upload.uri, name.uploadID, checked, byteCount: byteCount, write)
        } catch {
            throw error.on(upload.uri)
        }
    }

    /// S3-13, S3-14: what the service would refuse, refused before it is asked.
    private static func check(_ parts: [UploadedPart]) throws(BlobError) -> [S3Part] {
        guard parts.count <= Int(S3Limits.maximumPartCount) else {
            throw BlobError(.multipart, "an upload has at most 10000 parts")
        }
        var checked: [S3Part] = []
        checked.reserveCapacity(parts.count)
        for part in parts {
            guard (1...S3Limits.maximumPartCount).contains(part.partNumber) else {
                throw BlobError(
                    .multipart, "part numbers go from 1 to 10000, not \(part.partNumber)")
            }
            guard part.partNumber > checked.last?.number ?? 0 else {
                throw BlobError(
                    .multipart, "the parts are not in ascending order, each once; sort them")
            }
            guard let etag = part.etag.flatMap(S3EntityTag.quoted) else {
                throw BlobError(
                    .multipart,
                    "part \(part.partNumber) has no entity tag; pass the ETag that its upload got")
            }
            if part.partNumber != parts.last?.partNumber, let byteCount = part.byteCount,
                byteCount < S3Limits.minimumPartByteCount
            {
                throw BlobError(
                    .multipart,
                    "part \(part.partNumber) has \(byteCount) bytes; all but the last need 5 MiB")
            }
            checked.append(
                S3Part(number: part.partNumber, etag: etag, byteCount: part.byteCount))
        }
        return checked
    }

    /// S3-14: the service wants at least one part.
    private func sendEmptyPart(
        _ upload: MultipartUpload, _ name: S3UploadName, _ write: S3Write
    ) async throws(BlobError) -> S3Part {
        do throws(BlobError) {
            return try await send(
                S3PartUpload(
                    uri: upload.uri, uploadID: name.uploadID, number: 1, pieces: [],
                    deadline: write.deadline))
        } catch {
            if error.code == .uploadNotFound,
                let result = await committed(upload.uri, name.commitToken, write.deadline)
            {
                return S3Part(number: 1, etag: result.etag, byteCount: 0)
            }
            throw error
        }
    }

    /// Completes an upload whose parts are known to be in order.
    func finishUpload(
        _ uri: BlobURI, _ uploadID: String, _ parts: [S3Part], byteCount: UInt64?,
        _ write: S3Write
    ) async throws(BlobError) -> PutResult {
        var request = S3Request(.post, uri, "completing the upload")
        request.query = [(name: "uploadId", value: uploadID)]
        write.condition.add(to: &request.headers)
        request.headers.append(options.customerKey)
        request.headers.append("content-type", "application/xml")
        let body = Bytes(utf8: document(parts))
        request.body = .bytes([body], payloadHash: try SigV4.payloadHash([body]))
        request.expectsDocument = true
        request.takesLong = true
        do throws(S3Failure) {
            let reply = try await client.reply(
                request, maximumByteCount: 1 << 20, deadline: write.deadline)
            let document = reply.document
            guard document.name == "CompleteMultipartUploadResult",
                let etag = document.text(of: "ETag").flatMap(S3EntityTag.quoted)
            else { throw S3Failure.nonsense(request, "without an entity tag") }
            if let byteCount {
                return PutResult(
                    etag: etag, byteCount: byteCount, version: S3Metadata.version(reply.headers))
            }
            return try await measured(uri, etag, write)
        } catch {
            return try await resolve(error, uri, write)
        }
    }

    /// The reply does not say how large the blob became.
    private func measured(
        _ uri: BlobURI, _ etag: String, _ write: S3Write
    ) async throws(S3Failure) -> PutResult {
        do throws(BlobError) {
            let reply = try await headReply(uri, GetOptions(), write.deadline)
            return PutResult(
                etag: etag, byteCount: try size(reply, uri),
                version: S3Metadata.version(reply.headers))
        } catch {
            throw S3Failure(error)
        }
    }

    /// S3-11: a completion whose answer was lost is found by its token.
    private func resolve(
        _ failure: S3Failure, _ uri: BlobURI, _ write: S3Write
    ) async throws(BlobError) -> PutResult {
        let isGone = failure.error.code == .uploadNotFound
        if isGone || failure.isAmbiguous,
            let result = await committed(uri, write.commitToken, write.deadline)
        {
            return result
        }
        if isGone { throw failure.error }
        throw write.condition.error(for: failure)
    }

    private func document(_ parts: [S3Part]) -> String {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts {
            // S3-13: quotes and ampersands in a tag must not become markup.
            let etag = XMLText.escaped(part.etag) ?? ""
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(etag)</ETag>"
            if let checksum, let value = part.checksum {
                text += "<\(checksum.elementName)>\(value)</\(checksum.elementName)>"
            }
            text += "</Part>"
        }
        return text + "</CompleteMultipartUpload>"
    }
}
