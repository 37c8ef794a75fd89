internal import BlobCore
internal import CSigningShims

/// The private key of a service account. OpenSSL clears its numbers when nobody uses it any longer.
///
/// `@unchecked Sendable`: the key is made in `init` and freed in `deinit`; signing only reads it,
/// which OpenSSL lets many threads do at once.
final class RSASigningKey: @unchecked Sendable {
    private let key: OpaquePointer
    private let signatureByteCount: Int

    /// Nil unless `pem` is a private RSA key without a password.
    init?(pem: String) {
        // A copy of our own can be erased; the string's own storage cannot.
        let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: pem.utf8.count)
        _ = text.initialize(from: pem.utf8)
        defer {
            csigning_erase(text.baseAddress, text.count)
            text.deallocate()
        }
        guard let key = csigning_rsa_create(text.baseAddress, text.count) else { return nil }
        self.key = key
        signatureByteCount = csigning_rsa_signature_byte_count(key)
    }

    deinit {
        csigning_rsa_free(key)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256. Takes about a millisecond of a core.
    func signature(of text: String) throws(BlobError) -> [UInt8] {
        var text = text
        var isDone: Int32 = 0
        let signature = [UInt8](unsafeUninitializedCapacity: signatureByteCount) { target, count in
            guard let place = target.baseAddress else { return }
            isDone = text.withUTF8 {
                csigning_rsa_sign(key, $0.baseAddress, $0.count, place, signatureByteCount)
            }
            count = isDone == 1 ? signatureByteCount : 0
        }
        guard isDone == 1 else {
            throw BlobError(.internal, "OpenSSL could not compute a signature; check the key")
        }
        return signature
    }
}
