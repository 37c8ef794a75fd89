internal import BlobCore
internal import COpenSSL

/// MD5 over OpenSSL, for the stores that identify content by it. It protects nothing.
enum MD5 {
    static let byteCount = 16

    /// Fetched once: looking an algorithm up costs more than hashing a small blob.
    ///
    /// `nonisolated(unsafe)`: OpenSSL documents fetched algorithms as immutable and shareable.
    nonisolated(unsafe) private static let algorithm = EVP_MD_fetch(nil, "MD5", nil)

    /// The digest of `bytes`; fails where the configuration of OpenSSL forbids MD5.
    static func digest(of bytes: Bytes) throws(BlobError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: byteCount)
        var resultByteCount: UInt32 = 0
        let isDone = bytes.withUnsafeBytes { raw in
            EVP_Digest(raw.baseAddress, raw.count, &result, &resultByteCount, algorithm, nil) == 1
        }
        guard isDone, resultByteCount == UInt32(byteCount) else {
            throw BlobError(.internal, "OpenSSL could not compute an MD5; check its configuration")
        }
        return result
    }

    /// The digest as the header Content-MD5 carries it.
    static func base64(of bytes: Bytes) throws(BlobError) -> String {
        Base64.text(of: try digest(of: bytes))
    }
}
