internal import Backends
internal import BlobCore

/// Uploads whose parts the caller brings, here or by signed URLs.
extension CloudStore {
    /// Begins an upload. Its commit token becomes part of its name (S3-11).
    func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        do throws(BlobError) {
            // S3-20: an upload that was begun with checksums wants one with every part, also with
            // those that come by a signed URL.
            let new = NewUpload(
                uri: uri,
                attributes: try BlobAttributes(checking: options.contentType, options.userMetadata),
                commitToken: try RandomName.make(), hasChecksums: false,
                deadline: CallDeadline(options.call))
            let upload = try await beginUpload(new)
            let name = UploadName(commitToken: new.commitToken, uploadID: upload.uploadID)
            return MultipartUpload(uri: uri, uploadID: name.text)
        } catch {
            throw error.on(uri)
        }
    }

    /// Uploads one part. Up to 16 MiB are kept to be sent again should it be necessary; a longer
    /// part has to say its length and is sent once.
    func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        try UploadRules.checkPartNumber(partNumber, upload.uri)
        let name = try UploadName(upload)
        var part = PartUpload(
            upload: CloudUpload(uri: upload.uri, uploadID: name.uploadID), number: partNumber,
            body: .none, deadline: CallDeadline(options.call))
        do throws(BlobError) {
            (part.body, part.ticket) = try await content(body, upload.uri)
            defer { part.ticket?.end() }
            let stored: StoredPart
            do throws(CloudFailure) {
                stored = try await dialect.uploadPart(part)
            } catch {
                throw error.error
            }
            return UploadedPart(
                partNumber: partNumber, etag: stored.etag, byteCount: stored.byteCount)
        } catch {
            throw error.on(upload.uri)
        }
    }

    private static let keptPartByteCount = 16 << 20

    /// What a part is sent from, and the memory it takes.
    private func content(
        _ body: BlobBody, _ uri: BlobURI
    ) async throws(BlobError) -> (CloudBody, MemoryBudget.Ticket?) {
        if let byteCount = body.byteCount, byteCount > UInt64(Self.keptPartByteCount) {
            let maximum = dialect.limits.maximumPartByteCount
            guard byteCount <= maximum else {
                throw BlobError(.tooLarge, "a part has at most \(ByteCount.text(maximum))")
            }
            return (.stream(body.makeSource(), byteCount: byteCount), nil)
        }
        let reader = try BodyReader(body, hashing: hashing, uri: uri)
        let known = body.byteCount.map { Int(clamping: $0) }
        let ticket = try await memory.take(known ?? Self.keptPartByteCount)
        let pieces = try await reader.part(upTo: Self.keptPartByteCount)
        guard try await reader.isAtEnd() else {
            throw BlobError(
                .invalidArgument,
                "a part of more than 16 MiB has to say how long it is; give its byte count")
        }
        return (.bytes(pieces), ticket)
    }

    /// Makes the blob from its parts. Safe to repeat: an upload that was completed before is known
    /// by its commit token (S3-11).
    func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let name = try UploadName(upload)
        do throws(BlobError) {
            let write = CloudWrite(
                uri: upload.uri, condition: options.condition,
                deadline: CallDeadline(options.call), commitToken: name.commitToken)
            return try await finish(
                CloudUpload(uri: upload.uri, uploadID: name.uploadID), try check(parts), write)
        } catch {
            throw error.on(upload.uri)
        }
    }

    /// S3-13, S3-14: what the service would refuse, refused before it is asked.
    private func check(_ parts: [UploadedPart]) throws(BlobError) -> [StoredPart] {
        let limits = dialect.limits
        guard parts.count <= Int(limits.maximumPartCount) else {
            throw BlobError(
                .multipart, "an upload has at most \(limits.maximumPartCount) parts")
        }
        var checked: [StoredPart] = []
        checked.reserveCapacity(parts.count)
        for part in parts {
            guard (1...limits.maximumPartCount).contains(part.partNumber) else {
                throw BlobError(
                    .multipart,
                    "part numbers go from 1 to \(limits.maximumPartCount), not \(part.partNumber)")
            }
            guard part.partNumber > checked.last?.number ?? 0 else {
                throw BlobError(
                    .multipart, "the parts are not in ascending order, each once; sort them")
            }
            let etag = part.etag.flatMap(EntityTag.quoted)
            guard etag != nil || !dialect.partsHaveEntityTags else {
                throw BlobError(
                    .multipart,
                    "part \(part.partNumber) has no entity tag; pass the ETag that its upload got")
            }
            if part.partNumber != parts.last?.partNumber, let byteCount = part.byteCount,
                byteCount < limits.minimumPartByteCount
            {
                throw BlobError(
                    .multipart,
                    "part \(part.partNumber) has \(byteCount) bytes; all but the last need"
                        + " \(ByteCount.text(limits.minimumPartByteCount))")
            }
            checked.append(
                StoredPart(number: part.partNumber, etag: etag, byteCount: part.byteCount))
        }
        return checked
    }

    /// Gives an upload up; an unknown one counts as given up (W-84).
    func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        let name: UploadName
        do {
            name = try UploadName(upload)
        } catch {
            return
        }
        do throws(CloudFailure) {
            try await dialect.abandonUpload(
                CloudUpload(uri: upload.uri, uploadID: name.uploadID),
                deadline: CallDeadline(options))
        } catch {
            throw error.error.on(upload.uri)
        }
    }
}
