internal import Backends
internal import BlobCore

/// A checksum in the making.
enum RunningChecksum: Sendable {
    case crc32c(CRC32C)
    case crc64nvme(CRC64NVME)
    case sha256(SHA256Digest)

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

    /// In Base64, as headers carry it. Once, at the end.
    func finish() throws(BlobError) -> String {
        switch self {
        case .crc32c(let value): value.base64
        case .crc64nvme(let value): value.base64
        case .sha256(let digest): Base64.text(of: try digest.finish())
        }
    }
}

/// Compares what was read with the checksum that the service gave along with it.
struct ReadCheck: Sendable {
    private let expected: String
    private var running: RunningChecksum

    /// - Parameter expected: In Base64; of all bytes of the blob.
    init(expected: String, running: RunningChecksum) {
        self.expected = expected
        self.running = running
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
