package import BlobCore

/// Content type and user metadata of a blob, kept together in one extended attribute so that `head`
/// needs one call for both.
///
/// Layout: version 1, then length-prefixed texts (two bytes, little endian): content type, name,
/// value, name, value... A content type of no bytes stands for none; the name of no bytes, which no
/// caller can give, is the mark of the upload that made the blob.
package struct BlobAttributes: Sendable, Equatable {
    package static let maximumMetadataByteCount = 2048
    static let maximumContentTypeByteCount = 1024
    private static let version: UInt8 = 1

    package var contentType: String?
    package var userMetadata: [String: String] = [:]
    /// The upload that made the blob: it knows its work by this when it is completed again (CM-18).
    var commitToken: String?

    package init(contentType: String? = nil, userMetadata: [String: String] = [:]) {
        self.contentType = contentType
        self.userMetadata = userMetadata
    }

    var isEmpty: Bool { contentType == nil && userMetadata.isEmpty && commitToken == nil }
}

extension BlobAttributes {
    /// Checks what a caller wants stored and folds the names to lower case.
    ///
    /// - Throws: `invalidArgument` for empty or colliding names and NUL bytes, `tooLarge` beyond
    ///   2 KiB of metadata.
    package init(
        checking contentType: String?, _ userMetadata: [String: String]
    ) throws(BlobError) {
        if let contentType {
            guard contentType.utf8.count <= Self.maximumContentTypeByteCount else {
                throw BlobError(.tooLarge, "a content type has at most 1024 bytes")
            }
            self.contentType = contentType.isEmpty ? nil : contentType
        }
        guard !userMetadata.isEmpty else { return }
        var byteCount = 0
        for (name, value) in userMetadata {
            // Names first: 2 KiB of names alone is refused before a long value is looked at.
            byteCount += name.utf8.count + value.utf8.count
            guard byteCount <= Self.maximumMetadataByteCount else {
                throw BlobError(
                    .tooLarge, "user metadata has at most 2048 bytes, names and values together")
            }
            let folded = name.lowercased()
            guard !folded.isEmpty, folded.utf8.count <= Self.maximumMetadataByteCount else {
                throw BlobError(.invalidArgument, "the name of a metadata pair is empty")
            }
            guard self.userMetadata.updateValue(value, forKey: folded) == nil else {
                throw BlobError(
                    .invalidArgument,
                    "two metadata names differ only in case; names are folded to lower case")
            }
        }
    }

    /// What `encoded` made; nil for anything else, which some other program may have written there.
    package init?(decoding bytes: UnsafeRawBufferPointer) {
        guard bytes.first == Self.version else { return nil }
        var rest = bytes.dropFirst()
        guard let contentType = Self.takeText(&rest) else { return nil }
        self.contentType = contentType.isEmpty ? nil : contentType
        while !rest.isEmpty {
            guard let name = Self.takeText(&rest), let value = Self.takeText(&rest) else {
                return nil
            }
            if name.isEmpty { commitToken = value } else { userMetadata[name] = value }
        }
    }

    /// The attributes as bytes that `init(decoding:)` reads.
    package var encoded: [UInt8] {
        var bytes = [Self.version]
        Self.append(contentType ?? "", to: &bytes)
        if let commitToken {
            Self.append("", to: &bytes)
            Self.append(commitToken, to: &bytes)
        }
        // Sorted, so that equal attributes are equal bytes.
        for (name, value) in userMetadata.sorted(by: { $0.key < $1.key }) {
            Self.append(name, to: &bytes)
            Self.append(value, to: &bytes)
        }
        return bytes
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let byteCount = UInt16(truncatingIfNeeded: text.utf8.count)
        bytes.append(UInt8(truncatingIfNeeded: byteCount))
        bytes.append(UInt8(truncatingIfNeeded: byteCount >> 8))
        bytes += text.utf8
    }

    private static func takeText(_ rest: inout Slice<UnsafeRawBufferPointer>) -> String? {
        guard rest.count >= 2 else { return nil }
        let byteCount =
            Int(rest[rest.startIndex]) | Int(rest[rest.index(after: rest.startIndex)]) << 8
        rest = rest.dropFirst(2)
        guard rest.count >= byteCount else { return nil }
        defer { rest = rest.dropFirst(byteCount) }
        return String(validating: rest.prefix(byteCount), as: UTF8.self)
    }
}
