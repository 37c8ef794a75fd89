internal import Backends
public import BlobCore

extension S3Backend {
    /// Writes a blob: by one request when it fits into a part, else in parts that move in parallel.
    /// Either way it appears whole or not at all (W-73).
    public func put(
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
        let attributes = try BlobAttributes(checking: options.contentType, options.userMetadata)
        let expected = options.expectedSHA256
        if let expected, expected.count != SHA256Digest.byteCount {
            throw BlobError(.invalidArgument, "a SHA-256 has 32 bytes")
        }
        let sizes = try S3PartSizes(
            byteCount: body.byteCount, preferredByteCount: configuration.partByteCount)
        let write = S3Write(
            uri: uri, attributes: attributes, condition: options.condition,
            deadline: CallDeadline(options.call), commitToken: try RandomName.make())
        let reader = try S3BodyReader(
            body, computesSHA256: options.computesSHA256 || expected != nil, hashing: hashing,
            uri: uri)
        let firstByteCount = sizes.byteCount(ofPart: 1)
        let known = body.byteCount.map { Int(clamping: $0) } ?? firstByteCount
        let ticket = try await memory.take(min(firstByteCount, known))
        let first = S3FirstPart(try await reader.part(upTo: firstByteCount), ticket)
        var result: PutResult
        if try await reader.isAtEnd() {
            try Self.check(reader, expected, &write.sha256)
            result = try await putWhole(first.takePieces(), write)
            ticket.end()
        } else {
            result = try await putParts(first, reader, sizes, expected, write)
        }
        result.sha256 = options.computesSHA256 ? write.sha256 : nil
        return result
    }

    /// W-73: before the service is told to keep what it got.
    static func check(
        _ reader: S3BodyReader, _ expected: [UInt8]?, _ sha256: inout [UInt8]?
    ) throws(BlobError) {
        sha256 = try reader.sha256()
        guard let expected, expected != sha256 else { return }
        throw BlobError(
            .checksumMismatch,
            "the bytes do not have the SHA-256 given; they were damaged on the way or the checksum is"
                + " of something else; nothing was stored",
            origin: .backend)
    }

    private func putWhole(
        _ pieces: [Bytes], _ write: S3Write
    ) async throws(BlobError) -> PutResult {
        var request = S3Request(.put, write.uri, "writing the blob")
        request.headers.append(
            try S3Metadata.headers(
                write.attributes,
                commitToken: write.condition == .overwrite ? nil : write.commitToken))
        request.headers.append(options.creation)
        request.headers.append(options.customerKey)
        write.condition.add(to: &request.headers)
        let digests = try await S3Digests.compute(
            pieces, checksum: checksum, signsPayload: endpoint.isPlain, on: hashing, write.uri)
        request.body = .bytes(pieces, payloadHash: digests.payloadHash)
        if let checksum, let value = digests.checksum {
            request.headers.append(checksum.headerName, value)
        }
        let byteCount = pieces.reduce(0) { $0 + UInt64($1.count) }
        do throws(S3Failure) {
            let reply = try await client.reply(request, deadline: write.deadline)
            guard let etag = reply.headers["etag"].flatMap(S3EntityTag.quoted) else {
                throw S3Failure(Self.noEntityTag(write.uri))
            }
            return PutResult(
                etag: etag, byteCount: byteCount, version: S3Metadata.version(reply.headers))
        } catch {
            // S3-21: the condition may have failed because of our own first attempt. The engine sends
            // nothing with a condition twice by itself.
            if error.isAmbiguous, write.condition != .overwrite,
                let result = await committed(write.uri, write.commitToken, write.deadline)
            {
                return result
            }
            throw write.condition.error(for: error)
        }
    }

    /// The blob at `uri` if it certainly is the one that `commitToken` was written with.
    func committed(
        _ uri: BlobURI, _ commitToken: String, _ deadline: CallDeadline
    ) async -> PutResult? {
        do throws(BlobError) {
            let reply = try await headReply(uri, GetOptions(), deadline)
            guard reply.headers[S3Metadata.commitTokenHeader] == commitToken,
                let etag = reply.headers["etag"].flatMap(S3EntityTag.quoted)
            else { return nil }
            return PutResult(
                etag: etag, byteCount: try size(reply, uri),
                version: S3Metadata.version(reply.headers))
        } catch {
            // Then it stays at the failure that made us ask.
            return nil
        }
    }
}

/// One write of a blob. Used by one task.
final class S3Write {
    let uri: BlobURI
    let attributes: BlobAttributes
    let condition: WriteCondition
    let deadline: CallDeadline
    let commitToken: String
    var sha256: [UInt8]?

    init(
        uri: BlobURI, attributes: BlobAttributes, condition: WriteCondition,
        deadline: CallDeadline, commitToken: String
    ) {
        self.uri = uri
        self.attributes = attributes
        self.condition = condition
        self.deadline = deadline
        self.commitToken = commitToken
    }
}

extension WriteCondition {
    func add(to headers: inout HTTPHeaders) {
        switch self {
        case .overwrite: break
        case .createOnly: headers.append("if-none-match", "*")
        case .ifMatch(let etag): headers.append("if-match", etag)
        }
    }

    /// What a failed request means to who set this condition.
    func error(for failure: S3Failure) -> BlobError {
        guard isRefused(by: failure) else { return failure.error }
        if self == .createOnly {
            return BlobError(
                .alreadyExists, "there is a blob already; nothing was written", origin: .backend)
        }
        return BlobError(
            .preconditionFailed,
            "the blob does not have the entity tag given; nothing was written", origin: .backend)
    }

    /// Whether it says that this condition does not hold. By the code and not the status: a
    /// completion can fail in a document that comes with 200 (S3-10).
    func isRefused(by failure: S3Failure) -> Bool {
        switch self {
        case .overwrite: false
        case .createOnly: failure.error.code == .preconditionFailed
        case .ifMatch:
            // AWS answers 404 when there is nothing that could match.
            failure.error.code == .preconditionFailed || failure.error.code == .notFound
        }
    }
}
