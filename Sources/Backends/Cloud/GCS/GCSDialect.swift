internal import Backends
internal import BlobCore
internal import LinuxIO

/// Blobs in the words of Google Cloud Storage.
struct GCSDialect: CloudDialect {
    let client: CloudClient
    let endpoint: GCSEndpoint
    let options: GCSOptions
    let hashing: BlockingPool

    var limits: Capabilities.Limits { GCSLimits.limits }

    var metadata: MetadataHeaders { .gcs }

    // MARK: Reading

    /// GC-02: without the first, the service unpacks what is stored packed, and then ignores ranges
    /// and does not tell the length.
    var readHeaders: HTTPHeaders {
        var headers = HTTPHeaders()
        headers.append("accept-encoding", "gzip")
        headers.append(options.customerKey)
        return headers
    }

    /// By the generation: the entity tag of the same bytes is the same.
    func version(_ headers: HTTPHeaders, etag: String) -> PinnedVersion {
        var pin = HTTPHeaders()
        if let generation = Self.generation(headers) {
            pin.append(Self.generationCondition, generation)
        } else if EntityTag.isStrong(etag) {
            // Emulators know no generations.
            pin.append("if-match", etag)
        } else {
            return PinnedVersion(etag: etag)
        }
        return PinnedVersion(etag: etag, pin: pin)
    }

    /// GC-04: the checksum is that of the bytes as they are stored.
    func readCheck(_ headers: HTTPHeaders) throws(BlobError) -> ReadCheck? {
        guard let expected = headers.googleCRC32C else { return nil }
        if let stored = headers["x-goog-stored-content-encoding"], stored != "identity",
            headers["content-encoding"] != stored
        {
            return nil
        }
        return ReadCheck(expected: expected, running: .crc32c(CRC32C()))
    }

    /// The blob's first byte: what refuses that has a body that says why, and who may look at the blob
    /// may do it.
    func containerRequest(_ uri: BlobURI) -> CloudRequest? {
        var request = CloudRequest(.get, uri, "looking at the bucket")
        request.headers = readHeaders
        request.headers.append(rangeHeaderName, "bytes=0-0")
        return request
    }

    // MARK: Conditions

    static let generationCondition = "x-goog-if-generation-match"

    static func generation(_ headers: HTTPHeaders) -> String? {
        headers["x-goog-generation"].flatMap { ByteCount.parse($0) == nil ? nil : $0 }
    }

    /// The generation that has to be there for a write to happen: zero for none; nil for whatever
    /// (GC-07). An entity tag is no condition of writes here: the generation that has it is.
    func generation(
        for condition: WriteCondition, of uri: BlobURI, _ deadline: CallDeadline
    ) async throws(BlobError) -> String? {
        let etag: String
        switch condition {
        case .overwrite: return nil
        case .createOnly: return "0"
        case .ifMatch(let wanted): etag = wanted
        }
        var options = GetOptions()
        options.ifMatch = etag
        let reply: CloudReply
        do throws(BlobError) {
            reply = try await headReply(uri, options, deadline)
        } catch {
            throw condition.error(for: CloudFailure(error))
        }
        // Who ignores conditions says at least what is there.
        guard reply.headers.entityTag == EntityTag.quoted(etag) else {
            throw condition.error(for: CloudFailure(BlobError(.preconditionFailed, "")))
        }
        guard let generation = Self.generation(reply.headers) else {
            throw BlobError(
                .unsupportedOperation,
                "the service knows no generations; without them no condition holds",
                origin: .backend)
        }
        return generation
    }

    // MARK: Writing

    func putRequest(
        _ pieces: [Bytes], _ write: CloudWrite
    ) async throws(BlobError) -> CloudRequest {
        var request = CloudRequest(.put, write.uri, "writing the blob")
        request.headers = try creationHeaders(
            write.attributes,
            commitToken: write.condition == .overwrite ? nil : write.commitToken)
        if let generation = try await generation(
            for: write.condition, of: write.uri, write.deadline)
        {
            request.headers.append(Self.generationCondition, generation)
        }
        _ = try await attach(pieces, to: &request)
        return request
    }

    /// What the request that makes a blob says of it.
    func creationHeaders(
        _ attributes: BlobAttributes, commitToken: String?
    ) throws(BlobError) -> HTTPHeaders {
        var headers = try metadata.headers(attributes, commitToken: commitToken)
        headers.append(options.creation)
        headers.append(options.customerKey)
        return headers
    }

    /// Makes `pieces` the body of `request`, with their checksum for the service to check.
    ///
    /// - Returns: The checksum, in Base64.
    func attach(
        _ pieces: [Bytes], to request: inout CloudRequest
    ) async throws(BlobError) -> String {
        let checksum = try await crc32c(of: pieces, after: CRC32C(), request.uri).base64
        request.body = .bytes(pieces)
        request.headers.append("x-goog-hash", "crc32c=\(checksum)")
        return checksum
    }

    /// The checksum that `start` becomes with `pieces`.
    func crc32c(
        of pieces: [Bytes], after start: CRC32C, _ uri: BlobURI
    ) async throws(BlobError) -> CRC32C {
        try await PieceHashing.run(over: pieces, on: hashing, uri) { pieces in
            var running = start
            for piece in pieces { running.update(piece) }
            return running
        }
    }
}

extension MetadataHeaders {
    static let gcs = MetadataHeaders(
        prefix: "x-goog-meta-", commitTokenHeader: "x-goog-meta-blobrpc-commit",
        versionHeader: "x-goog-generation",
        maximumByteCount: BlobAttributes.maximumMetadataByteCount,
        maximumStoredByteCount: 8 << 10)
}

extension HTTPHeaders {
    /// The CRC-32C of an object or a part, in Base64. Comes in a line of its own or in one with the
    /// MD5.
    var googleCRC32C: String? {
        for field in fields where Self.areEqual(field.name, "x-goog-hash") {
            for item in field.value.split(separator: ",") {
                let text = item.drop { $0 == " " }
                if text.hasPrefix("crc32c=") { return String(text.dropFirst("crc32c=".count)) }
            }
        }
        return nil
    }
}

/// Sizes and counts of Google Cloud Storage, from its quotas and limits.
enum GCSLimits {
    static let maximumBlobByteCount: UInt64 = 5 << 40
    static let minimumPartByteCount: UInt64 = 5 << 20
    static let maximumPartByteCount: UInt64 = 5 << 30
    static let maximumPartCount: UInt32 = 10_000

    static let limits = Capabilities.Limits(
        maximumBlobByteCount: maximumBlobByteCount,
        maximumPartByteCount: maximumPartByteCount, minimumPartByteCount: minimumPartByteCount,
        maximumPartCount: maximumPartCount, maximumPresignSeconds: PresignOptions.maximumSeconds)
}
