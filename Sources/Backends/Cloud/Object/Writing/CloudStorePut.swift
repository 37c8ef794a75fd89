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
            limits: dialect.limits)
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
                let result = await committed(write)
            {
                return result
            }
            throw write.condition.error(for: error)
        }
    }

    /// The blob that is there if it certainly is the one that `write` has made.
    func committed(_ write: CloudWrite) async -> PutResult? {
        await committedBlob(write)?.result
    }

    /// The same, with all that is said of it.
    func committedBlob(
        _ write: CloudWrite
    ) async -> (result: PutResult, headers: HTTPHeaders)? {
        do throws(BlobError) {
            let reply = try await headReply(write.uri, GetOptions(), write.deadline)
            guard reply.headers[dialect.metadata.commitTokenHeader] == write.commitToken,
                let etag = reply.headers.entityTag
            else { return nil }
            let result = PutResult(
                etag: etag, byteCount: try size(reply, write.uri),
                version: dialect.metadata.version(reply.headers))
            return (result, reply.headers)
        } catch {
            // Then it stays at the failure that made us ask.
            return nil
        }
    }
}
