internal import Backends
internal import BlobCore
internal import LinuxIO

/// Blobs in the words of S3.
struct S3Dialect: CloudDialect {
    let client: CloudClient
    let options: S3Options
    /// What is sent for the service to check the bytes, and asked for to check them here.
    let checksum: S3ChecksumKind?
    /// Whether the signature covers the bytes (S3-05).
    let signsPayload: Bool
    let hashing: BlockingPool

    var limits: Capabilities.Limits { S3Limits.limits }

    var metadata: MetadataHeaders { .s3 }

    // MARK: Reading

    var readHeaders: HTTPHeaders { options.customerKey }

    var checksumRequestHeaders: HTTPHeaders {
        var headers = HTTPHeaders()
        if checksum != nil { headers.append("x-amz-checksum-mode", "ENABLED") }
        return headers
    }

    /// The checksum must be one of all bytes, not of the parts' checksums.
    func readCheck(_ headers: HTTPHeaders) throws(BlobError) -> ReadCheck? {
        guard checksum != nil, headers["x-amz-checksum-type"] != "COMPOSITE" else { return nil }
        for kind in [S3ChecksumKind.crc64nvme, .crc32c, .sha256] {
            guard let value = headers[kind.headerName], !value.contains("-") else { continue }
            return ReadCheck(expected: value, running: try kind.start())
        }
        return nil
    }

    func containerRequest(_ uri: BlobURI) -> CloudRequest? {
        CloudRequest(.head, uri.replacingKey(""), "looking at the bucket")
    }

    // MARK: Writing

    func putRequest(
        _ pieces: [Bytes], _ write: CloudWrite
    ) async throws(BlobError) -> CloudRequest {
        var request = CloudRequest(.put, write.uri, "writing the blob")
        request.headers = try metadata.headers(
            write.attributes,
            commitToken: write.condition == .overwrite ? nil : write.commitToken)
        request.headers.append(options.creation)
        request.headers.append(options.customerKey)
        request.headers.append(write.condition.headers)
        _ = try await attach(pieces, to: &request, checksum: checksum)
        return request
    }

    /// Makes `pieces` the body of `request`, with what signature and service want to know of them.
    ///
    /// - Returns: The checksum, in Base64.
    func attach(
        _ pieces: [Bytes], to request: inout CloudRequest, checksum: S3ChecksumKind?
    ) async throws(BlobError) -> String? {
        let digests = try await S3Digests.compute(
            pieces, checksum: checksum, signsPayload: signsPayload, on: hashing, request.uri)
        request.body = .bytes(pieces, sha256: digests.payloadHash)
        if let checksum, let value = digests.checksum {
            request.headers.append(checksum.headerName, value)
        }
        return digests.checksum
    }
}

extension MetadataHeaders {
    static let s3 = MetadataHeaders(
        prefix: "x-amz-meta-", commitTokenHeader: "x-amz-meta-blobrpc-commit",
        versionHeader: "x-amz-version-id",
        maximumByteCount: BlobAttributes.maximumMetadataByteCount,
        maximumStoredByteCount: 2 << 10)
}

/// Sizes and counts of Amazon S3, from its user guide.
enum S3Limits {
    static let minimumPartByteCount: UInt64 = 5 << 20
    static let maximumPartByteCount: UInt64 = 5 << 30
    static let maximumPartCount: UInt32 = 10_000
    static let maximumCopyByteCount: UInt64 = 5 << 30

    static let limits = Capabilities.Limits(
        maximumBlobByteCount: maximumPartByteCount * UInt64(maximumPartCount),
        maximumPartByteCount: maximumPartByteCount, minimumPartByteCount: minimumPartByteCount,
        maximumPartCount: maximumPartCount, maximumPresignSeconds: PresignOptions.maximumSeconds)
}
