internal import Backends
public import BlobCore

extension S3Backend {
    /// The parts that the service has, in pages (W-82).
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let name = try UploadName(upload)
        var request = CloudRequest(.get, upload.uri, "listing the parts")
        request.query = [
            (name: "max-parts", value: "1000"),
            (name: "part-number-marker", value: String(afterPartNumber)),
            (name: "uploadId", value: name.uploadID),
        ]
        request.headers.append(dialect.options.customerKey)
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
