internal import Backends
public import BlobCore

extension S3Backend {
    /// Begins an upload. Its commit token becomes part of its name (S3-11).
    public func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        do throws(BlobError) {
            let attributes = try BlobAttributes(
                checking: options.contentType, options.userMetadata)
            let commitToken = try RandomName.make()
            // S3-20: an upload that was begun with checksums wants one with every part, also with
            // those that come by a signed URL.
            let uploadID = try await beginUpload(
                uri, attributes, commitToken, checksum: nil, CallDeadline(options.call))
            let name = S3UploadName(commitToken: commitToken, uploadID: uploadID)
            return MultipartUpload(uri: uri, uploadID: name.text)
        } catch {
            throw error.on(uri)
        }
    }

    /// Begins an upload that this server completes itself. Should the caller go meanwhile, it is given
    /// up as soon as its name is known, for nobody else will ever know it (CM-14).
    func beginOwnUpload(
        _ uri: BlobURI, _ attributes: BlobAttributes, _ commitToken: String,
        checksum: S3ChecksumKind?, _ deadline: CallDeadline
    ) async throws(BlobError) -> String {
        let handover = Handover<Result<String, BlobError>>()
        // Waited for when the store is closed: what it begins has to be given up then.
        background.start {
            let outcome: Result<String, BlobError>
            do throws(BlobError) {
                outcome = .success(
                    try await self.beginUpload(
                        uri, attributes, commitToken, checksum: checksum, deadline))
            } catch {
                outcome = .failure(error)
            }
            guard !handover.give(outcome), case .success(let uploadID) = outcome else { return }
            _ = await self.giveUp(uri, uploadID)
        }
        guard let outcome = await handover.take() else { throw BlobError.cancelled }
        return try outcome.get()
    }

    func beginUpload(
        _ uri: BlobURI, _ attributes: BlobAttributes, _ commitToken: String,
        checksum: S3ChecksumKind?, _ deadline: CallDeadline
    ) async throws(BlobError) -> String {
        guard XMLText.escaped(uri.key) != nil else {
            throw BlobError(
                .invalidURI,
                "S3 names the key in its answers, and XML holds no control characters: such a blob"
                    + " can only be written whole")
        }
        var request = S3Request(.post, uri, "beginning the upload")
        request.query = [(name: "uploads", value: "")]
        request.expectsDocument = true
        request.headers.append(try S3Metadata.headers(attributes, commitToken: commitToken))
        request.headers.append(options.creation)
        request.headers.append(options.customerKey)
        if let checksum {
            request.headers.append("x-amz-checksum-algorithm", checksum.algorithmName)
            request.headers.append("x-amz-checksum-type", checksum.typeName)
        }
        do throws(S3Failure) {
            let reply = try await client.reply(request, deadline: deadline)
            let document = reply.document
            guard document.name == "InitiateMultipartUploadResult",
                let uploadID = document.text(of: "UploadId"), !uploadID.isEmpty
            else { throw S3Failure.nonsense(request, "without the name of the upload") }
            return uploadID
        } catch {
            throw error.error
        }
    }

    /// Uploads one part. Up to 16 MiB are kept to be sent again should it be necessary; a longer
    /// part has to say its length and is sent once.
    public func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        try UploadRules.checkPartNumber(partNumber, upload.uri)
        let name = try S3UploadName(upload)
        let deadline = CallDeadline(options.call)
        do throws(BlobError) {
            if let byteCount = body.byteCount, byteCount > UInt64(Self.keptPartByteCount) {
                return try await stream(body, byteCount, upload, name, partNumber, deadline)
            }
            let reader = try S3BodyReader(
                body, computesSHA256: false, hashing: hashing, uri: upload.uri)
            let known = body.byteCount.map { Int(clamping: $0) }
            let ticket = try await memory.take(known ?? Self.keptPartByteCount)
            let pieces = try await reader.part(upTo: Self.keptPartByteCount)
            guard try await reader.isAtEnd() else {
                throw BlobError(
                    .invalidArgument,
                    "a part of more than 16 MiB has to say how long it is; give its byte count")
            }
            let part = try await send(
                S3PartUpload(
                    uri: upload.uri, uploadID: name.uploadID, number: partNumber, pieces: pieces,
                    ticket: ticket, checksum: nil, deadline: deadline))
            return UploadedPart(
                partNumber: partNumber, etag: part.etag, byteCount: part.byteCount)
        } catch {
            throw error.on(upload.uri)
        }
    }

    private static let keptPartByteCount = 16 << 20

    private func stream(
        _ body: BlobBody, _ byteCount: UInt64, _ upload: MultipartUpload, _ name: S3UploadName,
        _ partNumber: UInt32, _ deadline: CallDeadline
    ) async throws(BlobError) -> UploadedPart {
        guard byteCount <= S3Limits.maximumPartByteCount else {
            throw BlobError(.tooLarge, "a part has at most 5 GiB")
        }
        var request = S3Request(.put, upload.uri, "writing part \(partNumber)")
        request.query = [
            (name: "partNumber", value: String(partNumber)),
            (name: "uploadId", value: name.uploadID),
        ]
        request.headers.append(self.options.customerKey)
        request.body = .stream(body.makeSource(), byteCount: byteCount)
        // S3-08: a refusal should come before the bytes that can be sent only once.
        request.expectsContinue = true
        do throws(S3Failure) {
            let reply = try await client.reply(request, deadline: deadline)
            guard let etag = reply.headers["etag"].flatMap(S3EntityTag.quoted) else {
                throw S3Failure(Self.noEntityTag(upload.uri))
            }
            return UploadedPart(partNumber: partNumber, etag: etag, byteCount: byteCount)
        } catch {
            throw error.error
        }
    }

    /// The parts that the service has, in pages (W-82).
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let name = try S3UploadName(upload)
        var request = S3Request(.get, upload.uri, "listing the parts")
        request.query = [
            (name: "max-parts", value: "1000"),
            (name: "part-number-marker", value: String(afterPartNumber)),
            (name: "uploadId", value: name.uploadID),
        ]
        request.headers.append(self.options.customerKey)
        request.expectsDocument = true
        do throws(S3Failure) {
            let reply = try await client.reply(
                request, maximumByteCount: 1 << 20, deadline: CallDeadline(options))
            let document = reply.document
            guard document.name == "ListPartsResult" else {
                throw S3Failure.nonsense(request, "with something that is no list of parts")
            }
            return try Self.page(document, after: afterPartNumber, request)
        } catch {
            throw error.error.on(upload.uri)
        }
    }

    /// Some services list a part that was sent twice twice: the later one counts (S3-15).
    private static func page(
        _ document: XMLElement, after afterPartNumber: UInt32, _ request: S3Request
    ) throws(S3Failure) -> PartPage {
        var parts: [UInt32: (part: UploadedPart, modified: Timestamp)] = [:]
        for element in document.all("Part") {
            guard let number = element.text(of: "PartNumber").flatMap({ UInt32($0) }) else {
                throw S3Failure.nonsense(request, "with a part that has no number")
            }
            let modified =
                element.text(of: "LastModified").flatMap { Timestamp(iso8601: $0) }
                ?? Timestamp(milliseconds: 0)
            if let known = parts[number], known.modified > modified { continue }
            let part = UploadedPart(
                partNumber: number, etag: element.text(of: "ETag").flatMap(S3EntityTag.quoted),
                byteCount: element.text(of: "Size").flatMap { S3ByteCount.parse($0) })
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

    /// Gives an upload up; an unknown one counts as given up (W-84).
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        let name: S3UploadName
        do {
            name = try S3UploadName(upload)
        } catch {
            return
        }
        do throws(S3Failure) {
            try await abort(upload.uri, name.uploadID, CallDeadline(options))
        } catch {
            throw error.error.on(upload.uri)
        }
    }

    func abort(
        _ uri: BlobURI, _ uploadID: String, _ deadline: CallDeadline
    ) async throws(S3Failure) {
        var request = S3Request(.delete, uri, "giving up the upload")
        request.query = [(name: "uploadId", value: uploadID)]
        do throws(S3Failure) {
            _ = try await client.reply(request, deadline: deadline)
        } catch {
            guard error.status == 404 else { throw error }
        }
    }

    /// Gives up an upload of ours; false when the service could not be told.
    func giveUp(_ uri: BlobURI, _ uploadID: String) async -> Bool {
        do throws(S3Failure) {
            try await abort(uri, uploadID, CallDeadline(CallOptions(timeout: .seconds(60))))
            return true
        } catch {
            return false
        }
    }
}
