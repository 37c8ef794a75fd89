/// The name of a blob: `file:///abs/path`, `s3://bucket/key`, `gs://bucket/object`,
/// `az://container/blob` or `blob://mount/key`.
///
/// The key is the remaining bytes verbatim: nothing is percent-decoded, no `//`, `.` or `..` is
/// folded, and `?`, `#` and spaces are part of it. Two URIs are equal when their bytes are equal;
/// unlike `String`, differently composed Unicode is different.
public struct BlobURI: Sendable {
    /// Which kind of store the URI names.
    public enum Scheme: String, Sendable, Hashable, CaseIterable {
        /// A path on the server's file system.
        case file
        /// Amazon S3 or a compatible service.
        case s3
        /// Google Cloud Storage.
        case gs
        /// Azure Blob Storage.
        case az
        /// A mount of the server's configuration.
        case blob
    }

    /// The longest URI that is accepted, in bytes of UTF-8 (protocol.md, rule W-42).
    public static let maximumByteCount = 8192
    /// The longest key of a cloud store, in bytes of UTF-8.
    public static let maximumKeyByteCount = 1024

    /// Which kind of store.
    public let scheme: Scheme
    /// The Azure account when the URI named one; nil means the configured account.
    public let account: String?
    /// The endpoint of an Azure emulator URI, for example `http://127.0.0.1:10000`.
    public let endpoint: String?
    /// Bucket, container or mount; empty for `file`.
    public let container: String
    /// The key within the container; for `file` the absolute path with its leading slash. Empty
    /// only in a prefix.
    public let key: String

    /// A URI from its parts. The parts are taken as they are: parse text with `init(parsing:)`.
    public init(
        scheme: Scheme, account: String? = nil, endpoint: String? = nil, container: String,
        key: String
    ) {
        self.scheme = scheme
        self.account = account
        self.endpoint = endpoint
        self.container = container
        self.key = key
    }

    /// Parses the URI of one blob.
    ///
    /// - Throws: `invalidURI` for malformed text, an empty key or bucket, a NUL byte or excessive
    ///   length; `unsupportedBackend` for a scheme that no backend could serve.
    public init(parsing text: String) throws(BlobError) {
        try self.init(parsing: text, keyMayBeEmpty: false)
    }

    /// Parses a prefix to list: as `init(parsing:)`, but the key may be empty (`s3://bucket`).
    public init(parsingPrefix text: String) throws(BlobError) {
        try self.init(parsing: text, keyMayBeEmpty: true)
    }

    /// The same container with another key.
    public func replacingKey(_ key: String) -> BlobURI {
        BlobURI(
            scheme: scheme, account: account, endpoint: endpoint, container: container, key: key)
    }
}

extension BlobURI: Hashable {
    /// Whether both have the same bytes.
    public static func == (left: BlobURI, right: BlobURI) -> Bool {
        left.scheme == right.scheme && sameBytes(left.key, right.key)
            && sameBytes(left.container, right.container)
            && sameBytes(left.account ?? "", right.account ?? "")
            && sameBytes(left.endpoint ?? "", right.endpoint ?? "")
    }

    /// Feeds scheme, container and key to `hasher`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(scheme)
        for part in [container, key] {
            var part = part
            part.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    private static func sameBytes(_ left: String, _ right: String) -> Bool {
        left.utf8.elementsEqual(right.utf8)
    }
}

extension BlobURI: CustomStringConvertible {
    /// The URI as text that parses back to the same value. Only a key with a question mark in an Azure
    /// emulator has no such text.
    public var description: String {
        switch scheme {
        case .file: return "file://\(key)"
        case .s3, .gs, .blob: return "\(scheme.rawValue)://\(container)/\(key)"
        case .az:
            if let endpoint, let account { return "\(endpoint)/\(account)/\(container)/\(key)" }
            // In an https URI what follows would be a query.
            if let account, key.utf8.contains(UInt8(ascii: "?")) {
                return "abfss://\(container)@\(account).dfs.core.windows.net/\(key)"
            }
            if let account {
                return "https://\(account).blob.core.windows.net/\(container)/\(key)"
            }
            return "az://\(container)/\(key)"
        }
    }

    /// The URI for errors and logs: cut off after 1 KiB, control characters escaped, so that a
    /// hostile key cannot forge a log line. A `BlobURI` never holds a query, hence no secret.
    public var redactedDescription: String {
        Self.printable(description, maximumCharacterCount: 1024)
    }

    /// `text` with control characters escaped and at most `maximumCharacterCount` characters kept.
    static func printable(_ text: String, maximumCharacterCount: Int) -> String {
        var result = ""
        var characterCount = 0
        for scalar in text.unicodeScalars {
            if characterCount >= maximumCharacterCount { return result + "..." }
            result +=
                scalar.properties.generalCategory == .control
                ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            characterCount += 1
        }
        return result
    }
}
