package import BlobCore
internal import COpenSSL

/// A running SHA-256 over OpenSSL.
///
/// `@unchecked Sendable`: the context is not thread-safe, so a digest has one user at a time; its
/// holder keeps it inside a `Mutex`.
package final class SHA256Digest: @unchecked Sendable {
    package static let byteCount = 32

    /// Fetched once: looking an algorithm up costs more than hashing a small blob.
    ///
    /// `nonisolated(unsafe)`: OpenSSL documents fetched algorithms as immutable and shareable.
    nonisolated(unsafe) private static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

    private let context: OpaquePointer

    package init() throws(BlobError) {
        guard let context = EVP_MD_CTX_new() else { throw Self.failure }
        self.context = context
        guard EVP_DigestInit_ex(context, Self.algorithm, nil) == 1 else { throw Self.failure }
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    package func update(_ bytes: UnsafeRawBufferPointer) throws(BlobError) {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
            throw Self.failure
        }
    }

    /// The digest of everything given so far. The value is used up.
    package func finish() throws(BlobError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Self.byteCount)
        var byteCount: UInt32 = 0
        guard EVP_DigestFinal_ex(context, &result, &byteCount) == 1,
            byteCount == UInt32(Self.byteCount)
        else { throw Self.failure }
        return result
    }

    private static var failure: BlobError {
        BlobError(.internal, "OpenSSL could not compute a SHA-256; check its configuration")
    }
}
