internal import BlobCore

/// The names of the blocks of one upload: a nonce that tells uploads apart, then the number of the
/// part. All have the same length, as the service wants it for one blob (AZ-05).
struct AzureBlockNames: Sendable {
    static let nonceByteCount = 16
    /// Base64 of these is a piece of the text of its own.
    private static let commonByteCount = 15

    private let common: [UInt8]
    private let lastNonceByte: UInt8

    /// - Parameter nonce: Of ``nonceByteCount`` bytes.
    init(nonce: [UInt8]) {
        precondition(nonce.count == Self.nonceByteCount)
        common = Array(nonce.prefix(Self.commonByteCount))
        lastNonceByte = nonce[Self.commonByteCount]
    }

    /// As it stands in a list of blocks: 28 characters of Base64.
    func name(of partNumber: UInt32) -> String {
        Base64.text(of: common + end(of: partNumber))
    }

    /// The number of the part that has this name; nil for blocks of others.
    func number(of name: String) -> UInt32? {
        guard let bytes = Base64.bytes(of: name), bytes.count == Self.nonceByteCount + 4,
            bytes.prefix(Self.commonByteCount).elementsEqual(common),
            bytes[Self.commonByteCount] == lastNonceByte
        else { return nil }
        return bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The URLs to `PUT` parts to. They differ in the block only, which is not signed.
    ///
    /// - Parameter signedURL: Of the blob, with a signature in its query.
    func urls(of partNumbers: [UInt32], signedURL: String) -> [String] {
        let start = Array(
            "\(signedURL)&comp=block&blockid=\(PercentEncoding.query(Base64.text(of: common)))"
                .utf8)
        return partNumbers.map { partNumber in
            let end = PercentEncoding.query(Base64.text(of: end(of: partNumber)))
            return String(unsafeUninitializedCapacity: start.count + end.utf8.count) { target in
                _ = target.update(fromContentsOf: start)
                _ = target[start.count...].update(fromContentsOf: end.utf8)
                return start.count + end.utf8.count
            }
        }
    }

    private func end(of partNumber: UInt32) -> [UInt8] {
        [
            lastNonceByte, UInt8(truncatingIfNeeded: partNumber >> 24),
            UInt8(truncatingIfNeeded: partNumber >> 16), UInt8(truncatingIfNeeded: partNumber >> 8),
            UInt8(truncatingIfNeeded: partNumber),
        ]
    }
}
