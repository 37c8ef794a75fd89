internal import Backends
internal import BlobCore

/// Metadata as headers, both ways.
enum S3Metadata {
    private static let prefix = "x-amz-meta-"

    /// A random text that tells our own write from somebody else's when the answer to it was lost
    /// (S3-11, S3-21). Readers do not see it.
    static let commitTokenHeader = "x-amz-meta-blobrpc-commit"

    /// The service takes 2 KiB of metadata in all; the token goes without rather than over.
    private static let maximumByteCount = 2048 - 64

    /// The headers that store `attributes` and, where there is room, `commitToken`.
    ///
    /// - Throws: `invalidArgument` for names that no header can have.
    static func headers(
        _ attributes: BlobAttributes, commitToken: String?
    ) throws(BlobError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let contentType = attributes.contentType {
            guard contentType.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw BlobError(.invalidArgument, "a content type is plain ASCII")
            }
            headers.append("content-type", contentType)
        }
        var byteCount = 0
        for (name, value) in attributes.userMetadata.sorted(by: { $0.key < $1.key }) {
            let field = prefix + name
            guard name.utf8.allSatisfy(isTokenByte), field != commitTokenHeader else {
                throw BlobError(
                    .invalidArgument,
                    "'\(name.prefix(64))' cannot be a metadata name here: use letters, digits and"
                        + " hyphens")
            }
            let encoded = EncodedWord.encode(value)
            byteCount += name.utf8.count + encoded.utf8.count
            headers.append(field, encoded)
        }
        guard byteCount <= BlobAttributes.maximumMetadataByteCount else {
            throw BlobError(.tooLarge, "user metadata has at most 2048 bytes once encoded")
        }
        if let commitToken, byteCount <= maximumByteCount {
            headers.append(commitTokenHeader, commitToken)
        }
        return headers
    }

    /// What a response says about a blob of `byteCount` bytes; nil without an entity tag.
    static func metadata(_ headers: HTTPHeaders, byteCount: UInt64) -> BlobMetadata? {
        guard let etag = headers["etag"].flatMap(S3EntityTag.quoted) else { return nil }
        let modified = headers["last-modified"].flatMap { Timestamp(httpDate: $0) }
        var metadata = BlobMetadata(
            byteCount: byteCount, etag: etag,
            lastModified: modified ?? Timestamp(milliseconds: 0))
        metadata.contentType = headers["content-type"]
        metadata.version = version(headers)
        for field in headers.fields {
            let name = field.name.lowercased()
            guard name.hasPrefix(prefix), name != commitTokenHeader else { continue }
            metadata.userMetadata[String(name.dropFirst(prefix.count))] = EncodedWord.decode(
                field.value)
        }
        return metadata
    }

    /// The version that a write made; buckets that keep none say `null` or nothing.
    static func version(_ headers: HTTPHeaders) -> String? {
        headers["x-amz-version-id"].flatMap { $0 == "null" || $0.isEmpty ? nil : $0 }
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }
}

/// Entity tags come quoted, unquoted and weak; they go out as they came, with quotes (S3-13).
enum S3EntityTag {
    static func quoted(_ text: String) -> String? {
        let trimmed = text.trimmingSpaces
        guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        if trimmed.hasPrefix("\"") || trimmed.hasPrefix("W/\"") { return trimmed }
        return "\"\(trimmed)\""
    }

    /// Whether a range of the same version can be asked for by it (CM-04).
    static func isStrong(_ etag: String) -> Bool { !etag.hasPrefix("W/") }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isBlank = { (character: Character) in character.isWhitespace }
        let rest = drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}
