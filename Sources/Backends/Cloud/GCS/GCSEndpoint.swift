internal import BlobCore

/// Where the service is, and the paths of its blobs. The bucket is always in the path: no name of
/// one is too odd for that (GC-10).
struct GCSEndpoint: Sendable {
    /// Scheme, host and port.
    let origin: String
    /// As the `Host` header has it: with the port unless it is the scheme's own. Also what the retry
    /// budget and the journal go by.
    let host: String

    private static let google = "https://storage.googleapis.com"

    /// - Parameter text: Nil for Google's own.
    init(_ text: String?) throws(BlobError) {
        guard let url = ServiceURL(text ?? Self.google), url.path == "/", url.query == nil else {
            throw BlobError(
                .invalidArgument,
                "a GCS endpoint is written https://host or http://host:port, without path, user or"
                    + " query")
        }
        origin = String(url.text.dropLast())
        host = url.host
    }

    /// The path of a blob as it goes on the wire and into signatures, encoded once (GC-01); without a
    /// key that of the bucket.
    ///
    /// - Throws: `invalidURI` for names that the service never has.
    static func encodedPath(_ uri: BlobURI) throws(BlobError) -> String {
        guard isBucketName(uri.container) else {
            throw BlobError(
                .invalidURI,
                "'\(uri.container.prefix(64))' cannot be a bucket: names have 3 to 222 small letters,"
                    + " digits, dots, hyphens and underscores")
        }
        guard !uri.key.isEmpty else { return "/\(uri.container)" }
        guard uri.key != ".", uri.key != "..", !uri.key.utf8.contains(0x0D),
            !uri.key.utf8.contains(0x0A)
        else {
            throw BlobError(
                .invalidURI, "Google has no blobs named '.' or '..', nor any with line breaks")
        }
        return "/\(uri.container)/\(PercentEncoding.path(uri.key))"
    }

    private static func isBucketName(_ name: String) -> Bool {
        (3...222).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: "_")
            }
    }
}
