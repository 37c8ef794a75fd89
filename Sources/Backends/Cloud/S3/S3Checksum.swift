internal import Backends
internal import BlobCore
internal import LinuxIO

/// What is computed over the bytes for the service to check.
enum S3ChecksumKind: Sendable {
    case crc32c
    case crc64nvme
    case sha256

    /// Nil for none.
    init?(_ setting: S3Configuration.Checksum, isAWS: Bool) {
        switch setting {
        case .none: return nil
        case .automatic:
            // S3-20
            guard isAWS else { return nil }
            self = .crc64nvme
        case .crc32c: self = .crc32c
        case .crc64nvme: self = .crc64nvme
        case .sha256: self = .sha256
        }
    }

    /// In `x-amz-checksum-algorithm`, when an upload begins.
    var algorithmName: String {
        switch self {
        case .crc32c: "CRC32C"
        case .crc64nvme: "CRC64NVME"
        case .sha256: "SHA256"
        }
    }

    /// Parts of an upload are checked one by one; only this kind also makes sense of the whole.
    var typeName: String {
        if case .crc64nvme = self { "FULL_OBJECT" } else { "COMPOSITE" }
    }

    /// The element of a finished upload's list of parts.
    var elementName: String { "Checksum\(algorithmName)" }

    var headerName: String { "x-amz-checksum-\(algorithmName.lowercased())" }

    func start() throws(BlobError) -> RunningChecksum {
        switch self {
        case .crc32c: .crc32c(CRC32C())
        case .crc64nvme: .crc64nvme(CRC64NVME())
        case .sha256: .sha256(try SHA256Digest())
        }
    }
}

/// The digests of the bytes of one request.
struct S3Digests: Sendable {
    /// For the signature, when it covers the bytes.
    var payloadHash: String?
    /// In Base64, for the service to check.
    var checksum: String?

    /// Computes what is needed over `pieces` where it holds up nobody.
    static func compute(
        _ pieces: [Bytes], checksum: S3ChecksumKind?, signsPayload: Bool, on pool: BlockingPool,
        _ uri: BlobURI
    ) async throws(BlobError) -> S3Digests {
        if checksum == nil, !signsPayload {
            return S3Digests()
        }
        return try await PieceHashing.run(over: pieces, on: pool, uri) {
            pieces throws(BlobError) in
            try digests(pieces, checksum, signsPayload)
        }
    }

    private static func digests(
        _ pieces: [Bytes], _ checksum: S3ChecksumKind?, _ signsPayload: Bool
    ) throws(BlobError) -> S3Digests {
        var result = S3Digests()
        if signsPayload { result.payloadHash = try SigV4.payloadHash(pieces) }
        if let checksum {
            var running = try checksum.start()
            for piece in pieces { try running.update(piece) }
            result.checksum = try running.finish()
        }
        return result
    }
}
