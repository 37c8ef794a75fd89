internal import Backends
internal import BlobCore

/// A checksum in the making.
enum S3RunningChecksum: Sendable {
    case crc32c(CRC32C)
    case crc64nvme(CRC64NVME)
    case sha256(SHA256Digest)

    init(_ kind: S3ChecksumKind) throws(BlobError) {
        switch kind {
        case .crc32c: self = .crc32c(CRC32C())
        case .crc64nvme: self = .crc64nvme(CRC64NVME())
        case .sha256: self = .sha256(try SHA256Digest())
        }
    }

    mutating func update(_ bytes: Bytes) throws(BlobError) {
        switch self {
        case .crc32c(var value):
            value.update(bytes)
            self = .crc32c(value)
        case .crc64nvme(var value):
            value.update(bytes)
            self = .crc64nvme(value)
        case .sha256(let digest):
            try bytes.withUnsafeBytes { raw throws(BlobError) in try digest.update(raw) }
        }
    }

    /// In Base64, as the service writes it. Once, at the end.
    func finish() throws(BlobError) -> String {
        switch self {
        case .crc32c(let value): value.base64
        case .crc64nvme(let value): value.base64
        case .sha256(let digest): Base64.text(of: try digest.finish())
        }
    }
}

/// Compares what was read with the checksum that the service gave along with it.
struct S3ReadCheck: Sendable {
    static let requestHeader = (name: "x-amz-checksum-mode", value: "ENABLED")

    private let expected: String
    private var running: S3RunningChecksum

    /// Nil when the response has no checksum of its own body: it must hold the whole blob, and the
    /// checksum be one of all its bytes, not of its parts' checksums.
    init?(_ opened: S3OpenedRange) throws(BlobError) {
        let headers = opened.response.headers
        guard opened.range == 0..<opened.metadata.byteCount,
            headers["x-amz-checksum-type"] != "COMPOSITE"
        else { return nil }
        for kind in [S3ChecksumKind.crc64nvme, .crc32c, .sha256] {
            guard let value = headers[kind.headerName], !value.contains("-") else { continue }
            expected = value
            running = try S3RunningChecksum(kind)
            return
        }
        return nil
    }

    mutating func update(_ bytes: Bytes) throws(BlobError) { try running.update(bytes) }

    func finish(_ uri: BlobURI) throws(BlobError) {
        guard try running.finish() != expected else { return }
        var error = BlobError(
            .dataLoss,
            "the bytes read do not have the checksum that the service gave with them; they were damaged"
                + " on the way or where they are stored; read again, and if that fails restore the blob",
            uri: uri, origin: .backend)
        error.retry = .backoff
        throw error
    }
}
