internal import Backends
internal import BlobCore

/// The steps of an upload that is begun by a request and completed by a list of its parts in XML;
/// several services know it.
struct XMLUploads: Sendable {
    let client: CloudClient
    /// With every request about parts.
    let partHeaders: HTTPHeaders

    /// - Parameter headers: What the blob is to have.
    func begin(
        _ uri: BlobURI, _ headers: HTTPHeaders, _ deadline: CallDeadline
    ) async throws(CloudFailure) -> String {
        guard XMLText.escaped(uri.key) != nil else {
            throw CloudFailure(
                BlobError(
                    .invalidURI,
                    "\(client.service.name) names the key in its answers, and XML holds no control"
                        + " characters: such a blob can only be written whole"))
        }
        var request = CloudRequest(.post, uri, "beginning the upload")
        request.query = [(name: "uploads", value: "")]
        request.headers = headers
        request.expectsDocument = true
        let document = try await client.reply(request, deadline: deadline).document
        guard document.name == "InitiateMultipartUploadResult",
            let uploadID = document.text(of: "UploadId"), !uploadID.isEmpty
        else { throw CloudFailure.nonsense(request, "without the name of the upload") }
        return uploadID
    }

    /// The request that uploads `part`, without its body.
    func request(_ part: PartUpload) -> CloudRequest {
        var request = CloudRequest(
            .put, part.upload.uri, "writing part \(part.number) of the blob")
        request.query = [
            (name: "partNumber", value: String(part.number)),
            (name: "uploadId", value: part.upload.uploadID),
        ]
        request.headers = partHeaders
        return request
    }

    /// Sends the request that uploads `part`.
    func send(
        _ request: CloudRequest, _ part: PartUpload, checksum: String?
    ) async throws(CloudFailure) -> StoredPart {
        let reply = try await client.reply(request, deadline: part.deadline)
        guard let etag = reply.headers.entityTag else {
            throw CloudFailure(EntityTag.missing(part.upload.uri))
        }
        return StoredPart(
            number: part.number, etag: etag, byteCount: part.body.byteCount, checksum: checksum)
    }

    /// Completes the upload by `list`, a CompleteMultipartUpload document.
    ///
    /// - Parameter headers: The condition.
    func finish(
        _ upload: CloudUpload, _ list: CloudBody, _ headers: HTTPHeaders, _ deadline: CallDeadline
    ) async throws(CloudFailure) -> (etag: String, reply: CloudReply) {
        var request = CloudRequest(.post, upload.uri, "completing the upload")
        request.query = [(name: "uploadId", value: upload.uploadID)]
        request.headers = headers
        request.headers.append(partHeaders)
        request.headers.append("content-type", "application/xml")
        request.body = list
        request.expectsDocument = true
        request.takesLong = true
        let reply = try await client.reply(request, maximumByteCount: 1 << 20, deadline: deadline)
        guard reply.document.name == "CompleteMultipartUploadResult",
            let etag = reply.document.text(of: "ETag").flatMap(EntityTag.quoted)
        else { throw CloudFailure.nonsense(request, "without an entity tag") }
        return (etag, reply)
    }

    func abandon(
        _ upload: CloudUpload, _ deadline: CallDeadline
    ) async throws(CloudFailure) {
        var request = CloudRequest(.delete, upload.uri, "giving up the upload")
        request.query = [(name: "uploadId", value: upload.uploadID)]
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: deadline)
        } catch {
            guard error.status == 404 else { throw error }
        }
    }

    /// The parts that the service has, in pages (W-82).
    func list(
        _ upload: MultipartUpload, after afterPartNumber: UInt32, _ options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let name = try UploadName(upload)
        var request = CloudRequest(.get, upload.uri, "listing the parts")
        request.query = [
            (name: "max-parts", value: "1000"),
            (name: "part-number-marker", value: String(afterPartNumber)),
            (name: "uploadId", value: name.uploadID),
        ]
        request.headers = partHeaders
        request.expectsDocument = true
        do throws(CloudFailure) {
            let reply = try await client.reply(
                request, maximumByteCount: 1 << 20, deadline: CallDeadline(options))
            let document = reply.document
            guard document.name == "ListPartsResult" else {
                throw CloudFailure.nonsense(request, "with something that is no list of parts")
            }
            return try Self.page(document, after: afterPartNumber, request)
        } catch {
            throw error.error.on(upload.uri)
        }
    }

    /// Some services list a part that was sent twice twice: the later one counts (S3-15).
    private static func page(
        _ document: XMLElement, after afterPartNumber: UInt32, _ request: CloudRequest
    ) throws(CloudFailure) -> PartPage {
        var parts: [UInt32: (part: UploadedPart, modified: Timestamp)] = [:]
        for element in document.all("Part") {
            guard let number = element.text(of: "PartNumber").flatMap({ UInt32($0) }) else {
                throw CloudFailure.nonsense(request, "with a part that has no number")
            }
            let modified =
                element.text(of: "LastModified").flatMap { Timestamp(iso8601: $0) }
                ?? Timestamp(milliseconds: 0)
            if let known = parts[number], known.modified > modified { continue }
            let part = UploadedPart(
                partNumber: number, etag: element.text(of: "ETag").flatMap(EntityTag.quoted),
                byteCount: element.text(of: "Size").flatMap { ByteCount.parse($0) })
            parts[number] = (part, modified)
        }
        var page = PartPage(
            parts: parts.keys.sorted().filter { $0 > afterPartNumber }
                .compactMap { parts[$0]?.part })
        if document.text(of: "IsTruncated") == "true" {
            page.nextPartNumber = page.parts.last?.partNumber
        }
        return page
    }
}
