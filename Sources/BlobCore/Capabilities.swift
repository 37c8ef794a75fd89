/// Every operation of `BlobStore`; the raw value is the operation's number on the wire.
public enum BlobOperation: UInt16, Sendable, Hashable, CaseIterable {
    /// Metadata of a blob.
    case head = 1
    /// Bytes of a blob: `get` and `read`.
    case get = 2
    /// Write a blob.
    case put = 3
    /// Delete one blob.
    case delete = 4
    /// Delete several blobs.
    case deleteMany = 5
    /// List blobs by prefix.
    case list = 6
    /// Copy a blob within the server.
    case copy = 7
    /// Sign a URL to read.
    case presignGet = 8
    /// Sign a URL to write.
    case presignPut = 9
    /// Begin a multipart upload.
    case createMultipartUpload = 10
    /// Upload one part.
    case uploadPart = 11
    /// Sign URLs for several parts.
    case presignUploadParts = 12
    /// List the parts uploaded so far.
    case listParts = 13
    /// Make the blob from its parts.
    case completeMultipartUpload = 14
    /// Give the upload up.
    case abortMultipartUpload = 15
    /// What the store behind a URI can do.
    case capabilities = 16
    /// What the server is.
    case info = 17
    /// Sign a URL to read the metadata.
    case presignHead = 18
    /// Sign a URL to delete.
    case presignDelete = 19
    /// Serve one more socket.
    case addListener = 64
    /// Revoke a socket that was added.
    case removeListener = 65
    /// What sockets there are.
    case listListeners = 66
}

extension BlobOperation {
    /// Those that are about the server's sockets: only a socket for launchers has them, and no grant
    /// gives them to another one (protocol.md, rule W-100).
    public static let administrative: Set<BlobOperation> = [
        .addListener, .removeListener, .listListeners,
    ]

    /// All others: whatever is called everything means these.
    public static let ofBlobs = Set(allCases).subtracting(administrative)

    /// Whether the operation is one of ``administrative``.
    public var isAdministrative: Bool { Self.administrative.contains(self) }
}

/// What a store can do and how much: differences are declared here, never silent.
public struct Capabilities: Sendable, Hashable {
    /// The sizes and counts a store accepts.
    public struct Limits: Sendable, Hashable {
        /// The largest blob in bytes.
        public var maximumBlobByteCount: UInt64
        /// The largest part of a multipart upload in bytes.
        public var maximumPartByteCount: UInt64
        /// The smallest part, except the last, in bytes.
        public var minimumPartByteCount: UInt64
        /// The largest number of parts.
        public var maximumPartCount: UInt32
        /// The longest validity of a signed URL in seconds; nil when signed URLs do not expire.
        public var maximumPresignSeconds: UInt32?

        /// Limits from their values.
        public init(
            maximumBlobByteCount: UInt64, maximumPartByteCount: UInt64,
            minimumPartByteCount: UInt64, maximumPartCount: UInt32, maximumPresignSeconds: UInt32?
        ) {
            self.maximumBlobByteCount = maximumBlobByteCount
            self.maximumPartByteCount = maximumPartByteCount
            self.minimumPartByteCount = minimumPartByteCount
            self.maximumPartCount = maximumPartCount
            self.maximumPresignSeconds = maximumPresignSeconds
        }
    }

    /// Features that not every store has; the raw bits travel on the wire.
    public struct Features: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: UInt64
        /// A set from its bits.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// `put` with `WriteCondition.createOnly`.
        public static let createOnlyPut = Features(rawValue: 1 << 0)
        /// `put` with `WriteCondition.ifMatch`.
        public static let conditionalPut = Features(rawValue: 1 << 1)
        /// User metadata and content type are kept.
        public static let userMetadata = Features(rawValue: 1 << 2)
        /// Signed URLs are plain HTTP URLs; without it they are `file://` URIs.
        public static let httpPresign = Features(rawValue: 1 << 3)
        /// Uploading a part answers with an entity tag that completion needs.
        public static let partEntityTags = Features(rawValue: 1 << 4)
        /// `/` separates directories: `a` and `a/b` cannot both exist.
        public static let hierarchicalKeys = Features(rawValue: 1 << 5)
    }

    /// The operations the store has.
    public var operations: Set<BlobOperation>
    /// The optional features it has.
    public var features: Features
    /// Its limits.
    public var limits: Limits

    /// Capabilities from their parts.
    public init(operations: Set<BlobOperation>, features: Features, limits: Limits) {
        self.operations = operations
        self.features = features
        self.limits = limits
    }
}
