internal import BlobCore

/// What a multipart upload remembers of its creation, as the file `record` in its directory.
///
/// Layout: a line that names the format, four bytes with the length of the key (little endian), the
/// key, the attributes.
struct UploadRecord: Sendable, Equatable {
    private static let header = Array("blobrpc-upload-1\n".utf8)
    /// Longer than any record: a URI has at most 8 KiB, attributes at most 16 KiB.
    static let maximumByteCount = 32 << 10

    var key: String
    var attributes: BlobAttributes

    init(key: String, attributes: BlobAttributes) {
        self.key = key
        self.attributes = attributes
    }

    init?(decoding bytes: UnsafeRawBufferPointer) {
        guard bytes.starts(with: Self.header) else { return nil }
        var rest = bytes.dropFirst(Self.header.count)
        guard rest.count >= 4 else { return nil }
        let keyByteCount = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(4)
        guard rest.count >= keyByteCount,
            let key = String(validating: rest.prefix(keyByteCount), as: UTF8.self),
            let attributes = BlobAttributes(
                decoding: UnsafeRawBufferPointer(rebasing: rest.dropFirst(keyByteCount)))
        else { return nil }
        self.init(key: key, attributes: attributes)
    }

    var encoded: [UInt8] {
        let keyByteCount = UInt32(truncatingIfNeeded: key.utf8.count)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: keyByteCount >> (8 * UInt32($0))) }
        return Self.header + length + Array(key.utf8) + attributes.encoded
    }
}
