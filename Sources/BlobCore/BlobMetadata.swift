/// What a store knows about a blob.
public struct BlobMetadata: Sendable, Hashable {
    /// The size of the whole blob in bytes.
    public var byteCount: UInt64
    /// The entity tag as the store gives it, with its quotes; changes whenever the bytes change.
    public var etag: String
    /// When the blob was last written.
    public var lastModified: Timestamp
    /// The media type, when one was stored.
    public var contentType: String?
    /// The caller's own pairs; names are lower case.
    public var userMetadata: [String: String]
    /// The store's version or generation, when it keeps them.
    public var version: String?

    /// Metadata from its parts.
    public init(
        byteCount: UInt64, etag: String, lastModified: Timestamp, contentType: String? = nil,
        userMetadata: [String: String] = [:], version: String? = nil
    ) {
        self.byteCount = byteCount
        self.etag = etag
        self.lastModified = lastModified
        self.contentType = contentType
        self.userMetadata = userMetadata
        self.version = version
    }
}

/// The outcome of a put, a copy or a completed multipart upload.
public struct PutResult: Sendable, Hashable {
    /// The entity tag of the new blob.
    public var etag: String
    /// The size of the new blob in bytes.
    public var byteCount: UInt64
    /// The store's version or generation, when it keeps them.
    public var version: String?
    /// The SHA-256 of the bytes (32 bytes), when it was asked for.
    public var sha256: [UInt8]?

    /// A result from its parts.
    public init(etag: String, byteCount: UInt64, version: String? = nil, sha256: [UInt8]? = nil) {
        self.etag = etag
        self.byteCount = byteCount
        self.version = version
        self.sha256 = sha256
    }
}

/// The outcome of a delete. Deleting what is not there succeeds.
public struct DeleteResult: Sendable, Hashable {
    /// Whether there was a blob; nil when the store does not say.
    public var existed: Bool?

    /// A result from its part.
    public init(existed: Bool?) {
        self.existed = existed
    }
}

/// One blob of a listing.
public struct ListEntry: Sendable, Hashable {
    /// The blob.
    public var uri: BlobURI
    /// Its size in bytes.
    public var byteCount: UInt64
    /// Its entity tag.
    public var etag: String
    /// When it was last written.
    public var lastModified: Timestamp

    /// An entry from its parts.
    public init(uri: BlobURI, byteCount: UInt64, etag: String, lastModified: Timestamp) {
        self.uri = uri
        self.byteCount = byteCount
        self.etag = etag
        self.lastModified = lastModified
    }
}

/// One page of a listing, in ascending order of the keys' bytes.
public struct ListPage: Sendable, Hashable {
    /// The blobs.
    public var entries: [ListEntry]
    /// The distinct prefixes up to and including the delimiter, when one was given.
    public var commonPrefixes: [BlobURI]
    /// Pass it as `pageToken` for the next page; nil on the last page.
    public var nextPageToken: String?

    /// A page from its parts.
    public init(
        entries: [ListEntry], commonPrefixes: [BlobURI] = [], nextPageToken: String? = nil
    ) {
        self.entries = entries
        self.commonPrefixes = commonPrefixes
        self.nextPageToken = nextPageToken
    }
}

/// A URL that works without credentials until it expires. It is a secret: its description hides it.
public struct PresignedURL: Sendable, Hashable, CustomStringConvertible {
    /// The URL itself. Whoever has it can use it.
    public var url: String
    /// The HTTP method it is good for.
    public var method: String
    /// Headers that the user of the URL must send, usually none.
    public var headers: [String: String]
    /// When it ends; nil when it does not expire (local files).
    public var expiresAt: Timestamp?

    /// A signed URL from its parts.
    public init(
        url: String, method: String, headers: [String: String] = [:], expiresAt: Timestamp?
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.expiresAt = expiresAt
    }

    /// Method and expiry only.
    public var description: String {
        "PresignedURL(\(method), REDACTED, expires \(expiresAt.map(\.description) ?? "never"))"
    }
}
