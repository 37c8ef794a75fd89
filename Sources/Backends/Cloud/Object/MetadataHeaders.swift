internal import Backends
internal import BlobCore

/// Metadata as a service's headers, both ways.
struct MetadataHeaders: Sendable {
    /// What the names of user metadata begin with, in lower case.
    var prefix: String
    /// Carries a random text that tells our own write from somebody else's when the answer to it was
    /// lost (S3-11, S3-21). Readers do not see it.
    var commitTokenHeader: String
    /// Names the version that a write made.
    var versionHeader: String
    /// What the media type is written with.
    var contentTypeHeader = "content-type"
    /// How much user metadata a caller may give, names and values, once encoded.
    var maximumByteCount: Int
    /// How much the service takes, the token included.
    var maximumStoredByteCount: Int
    /// Whether names have to be identifiers, and values neither be empty nor have runs of blanks.
    var isOfIdentifiers = false

    /// What the token takes of that.
    private static let commitTokenByteCount = 64

    /// The headers that store `attributes` and `commitToken`, which goes without rather than over the
    /// limit.
    ///
    /// - Throws: `invalidArgument` for names that no header can have.
    func headers(
        _ attributes: BlobAttributes, commitToken: String?
    ) throws(BlobError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        if let contentType = attributes.contentType {
            guard contentType.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw BlobError(.invalidArgument, "a content type is plain ASCII")
            }
            headers.append(contentTypeHeader, contentType)
        }
        for name in attributes.userMetadata.keys.sorted() {
            guard name.utf8.allSatisfy(Self.isTokenByte),
                prefix + encodedName(name) != commitTokenHeader
            else {
                throw BlobError(
                    .invalidArgument,
                    "'\(name.prefix(64))' cannot be a metadata name here: use letters, digits and"
                        + " hyphens")
            }
        }
        let pairs = encoded(attributes)
        guard Self.byteCount(of: pairs) <= maximumByteCount else {
            throw BlobError(
                .tooLarge, "user metadata has at most \(maximumByteCount) bytes once encoded")
        }
        for pair in pairs { headers.append(prefix + pair.name, pair.value) }
        if let commitToken, takesToken(beside: pairs) {
            headers.append(commitTokenHeader, commitToken)
        }
        return headers
    }

    /// Whether there is room for the token beside `attributes`.
    func takesToken(with attributes: BlobAttributes) -> Bool {
        takesToken(beside: encoded(attributes))
    }

    private typealias Pair = (name: String, value: String)

    private func takesToken(beside pairs: [Pair]) -> Bool {
        Self.byteCount(of: pairs) <= maximumStoredByteCount - Self.commitTokenByteCount
    }

    private static func byteCount(of pairs: [Pair]) -> Int {
        pairs.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }

    /// User metadata as headers have it, by name.
    private func encoded(_ attributes: BlobAttributes) -> [Pair] {
        attributes.userMetadata.sorted { $0.key < $1.key }.map { name, value in
            (encodedName(name), EncodedWord.encode(value, keepsBlanks: !isOfIdentifiers))
        }
    }

    private func encodedName(_ name: String) -> String {
        isOfIdentifiers ? IdentifierName.encode(name) : name
    }

    /// What a response says about a blob of `byteCount` bytes.
    ///
    /// - Throws: `backendUnavailable` without an entity tag.
    func metadata(
        _ headers: HTTPHeaders, byteCount: UInt64, of uri: BlobURI
    ) throws(BlobError) -> BlobMetadata {
        guard let etag = headers.entityTag else { throw EntityTag.missing(uri) }
        let modified = headers["last-modified"].flatMap { Timestamp(httpDate: $0) }
        var metadata = BlobMetadata(
            byteCount: byteCount, etag: etag,
            lastModified: modified ?? Timestamp(milliseconds: 0))
        metadata.contentType = headers["content-type"]
        metadata.version = version(headers)
        for field in headers.fields {
            let name = field.name.lowercased()
            guard name.hasPrefix(prefix), name != commitTokenHeader else { continue }
            let rest = String(name.dropFirst(prefix.count))
            metadata.userMetadata[isOfIdentifiers ? IdentifierName.decode(rest) : rest] =
                EncodedWord.decode(field.value)
        }
        return metadata
    }

    /// The version that a write made; containers that keep none say `null` or nothing.
    func version(_ headers: HTTPHeaders) -> String? {
        headers[versionHeader].flatMap { $0 == "null" || $0.isEmpty ? nil : $0 }
    }

    /// RFC 9110 section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }
}
