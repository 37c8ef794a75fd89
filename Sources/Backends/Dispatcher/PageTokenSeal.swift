internal import BlobCore
internal import COpenSSL

/// Makes the page tokens of a service unreadable below mounts: most of them hold the name of a blob,
/// and with it the base that a mount hides.
///
/// The key is made anew with each dispatcher, so a listing does not go on across a restart.
final class PageTokenSeal: Sendable {
    private static let keyByteCount = 32
    private static let nonceByteCount = 12
    private static let tagByteCount = 16

    private let key: [UInt8]

    init() throws(BlobError) {
        key = try Self.random(Self.keyByteCount)
    }

    /// The token as the callers of `mount` get it.
    func seal(_ token: String, of mount: BlobMount) throws(BlobError) -> String {
        let nonce = try Self.random(Self.nonceByteCount)
        let (text, tag) = try Self.transform(
            Array(token.utf8), key, nonce, authenticating: Array(mount.name.utf8), tag: nil)
        return HexText.text(of: nonce + text + tag)
    }

    /// The service's token.
    ///
    /// - Throws: `invalidArgument` for a token of another mount, another run, or nobody.
    func open(_ sealed: String, of mount: BlobMount) throws(BlobError) -> String {
        let refusal = BlobError(
            .invalidArgument,
            "the page token is not one of this mount since the server started; begin the listing anew"
        )
        let overhead = Self.nonceByteCount + Self.tagByteCount
        guard let bytes = HexText.bytes(of: Array(sealed.utf8)), bytes.count >= overhead else {
            throw refusal
        }
        let text: [UInt8]
        do throws(BlobError) {
            (text, _) = try Self.transform(
                Array(bytes[Self.nonceByteCount..<(bytes.count - Self.tagByteCount)]), key,
                Array(bytes.prefix(Self.nonceByteCount)),
                authenticating: Array(mount.name.utf8), tag: Array(bytes.suffix(Self.tagByteCount)))
        } catch {
            throw refusal
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// AES-256-GCM: opens with a tag, seals without one.
    private static func transform(
        _ input: [UInt8], _ key: [UInt8], _ nonce: [UInt8], authenticating name: [UInt8],
        tag: [UInt8]?
    ) throws(BlobError) -> (output: [UInt8], tag: [UInt8]) {
        let failure = BlobError(
            .internal, "OpenSSL cannot seal page tokens; check its configuration")
        guard let context = EVP_CIPHER_CTX_new() else { throw failure }
        defer { EVP_CIPHER_CTX_free(context) }
        var output = [UInt8](repeating: 0, count: input.count)
        var tag = tag ?? []
        var byteCount: Int32 = 0
        let seals: Int32 = tag.isEmpty ? 1 : 0
        guard EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, seals) == 1,
            EVP_CipherUpdate(context, nil, &byteCount, name, Int32(name.count)) == 1,
            EVP_CipherUpdate(context, &output, &byteCount, input, Int32(input.count)) == 1
        else { throw failure }
        if seals == 0 {
            guard
                EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
            else { throw failure }
        }
        // Writes nothing in this mode, but where it would write must exist.
        var rest = [UInt8](repeating: 0, count: 16)
        guard EVP_CipherFinal_ex(context, &rest, &byteCount) == 1 else { throw failure }
        if seals == 1 {
            tag = [UInt8](repeating: 0, count: tagByteCount)
            guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1
            else { throw failure }
        }
        return (output, tag)
    }

    private static func random(_ byteCount: Int) throws(BlobError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        guard RAND_bytes(&bytes, Int32(byteCount)) == 1 else {
            throw BlobError(.internal, "OpenSSL has no random bytes; check its configuration")
        }
        return bytes
    }
}
