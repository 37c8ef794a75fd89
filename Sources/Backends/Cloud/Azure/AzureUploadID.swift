internal import Backends
internal import BlobCore
internal import Synchronization

/// The name of an upload. The service knows nothing of uploads, and this server remembers none: the
/// name holds what completion needs, and works after a restart and in other servers of the account.
///
/// Its check ties it to one blob. It is no secret: whoever may write the blob may begin an upload, too,
/// and what is in a name is looked at again as if it had just been given.
struct AzureUploadID: Sendable {
    private static let prefix = "az1."
    private static let checkByteCount = 16

    /// What the blocks' names begin with.
    let nonce: [UInt8]
    let attributes: BlobAttributes

    static func make(
        _ attributes: BlobAttributes, for uri: BlobURI, in account: String
    ) throws(BlobError) -> String {
        guard let nonce = HexText.bytes(of: Array(try RandomName.make().utf8)) else {
            throw BlobError(.internal, "a random name is not hexadecimal")
        }
        let content = nonce + attributes.encoded
        return prefix + Base64.text(of: content + (try check(content, uri, account)))
    }

    /// - Throws: `uploadNotFound` for what was not made for this blob.
    init(_ text: String, for uri: BlobURI, in account: String) throws(BlobError) {
        guard text.hasPrefix(Self.prefix),
            let bytes = Base64.bytes(of: String(text.dropFirst(Self.prefix.count))),
            bytes.count > AzureBlockNames.nonceByteCount + Self.checkByteCount
        else { throw Self.unknown(uri) }
        let content = Array(bytes.dropLast(Self.checkByteCount))
        let attributes = content.dropFirst(AzureBlockNames.nonceByteCount).withUnsafeBytes {
            BlobAttributes(decoding: $0)
        }
        guard let attributes,
            Array(bytes.suffix(Self.checkByteCount)) == (try Self.check(content, uri, account))
        else { throw Self.unknown(uri) }
        nonce = Array(content.prefix(AzureBlockNames.nonceByteCount))
        self.attributes = attributes
    }

    var blocks: AzureBlockNames { AzureBlockNames(nonce: nonce) }

    static func unknown(_ uri: BlobURI) -> BlobError {
        BlobError(
            .uploadNotFound,
            "there is no such upload; it was given up, or is of another blob", uri: uri)
    }

    private static func check(
        _ content: [UInt8], _ uri: BlobURI, _ account: String
    ) throws(BlobError) -> [UInt8] {
        let digest = try SHA256Digest()
        // No account or container has a slash.
        let place = Array("\(prefix)\(account)/\(uri.container)/\(uri.key)".utf8)
        for part in [Array("\(place.count) ".utf8), place, content] {
            try Bytes(part).withUnsafeBytes { bytes throws(BlobError) in try digest.update(bytes) }
        }
        return Array(try digest.finish().prefix(checkByteCount))
    }
}

/// Uploads that were given up through this server, the last of them: the service has no way to end one,
/// and would take more blocks (W-84).
final class AzureAbandonedUploads: Sendable {
    private static let maximumCount = 10_000

    private struct State {
        var nonces: Set<[UInt8]> = []
        var order: [[UInt8]] = []
        var next = 0
    }

    private let state = Mutex(State())

    func add(_ nonce: [UInt8]) {
        state.withLock { state in
            guard state.nonces.insert(nonce).inserted else { return }
            if state.order.count < Self.maximumCount {
                state.order.append(nonce)
            } else {
                state.nonces.remove(state.order[state.next])
                state.order[state.next] = nonce
                state.next = (state.next + 1) % Self.maximumCount
            }
        }
    }

    func contains(_ nonce: [UInt8]) -> Bool { state.withLock { $0.nonces.contains(nonce) } }
}
