/// A condition on what a write replaces.
public enum WriteCondition: Sendable, Hashable {
    /// Write whatever is there.
    case overwrite
    /// Write only where no blob is; otherwise `alreadyExists`.
    case createOnly
    /// Write only over the version with this entity tag; otherwise `preconditionFailed`.
    case ifMatch(etag: String)
}

/// What every call can be given.
public struct CallOptions: Sendable, Hashable {
    /// The time limit of the whole call: queueing, sending, working and receiving. Nil means none.
    /// Ends the call with `deadlineExceeded`.
    public var timeout: Duration?

    /// Options from their values.
    public init(timeout: Duration? = nil) {
        self.timeout = timeout
    }
}

/// Which bytes to read, and of which version.
public struct GetOptions: Sendable, Hashable {
    /// The largest number of ranges of one call (protocol.md, rule W-43).
    public static let maximumRangeCount = 1024

    /// The ranges to deliver, in this order; empty means the whole blob.
    public var ranges: [ByteRange]
    /// Read only the version with this entity tag; otherwise `preconditionFailed`.
    public var ifMatch: String?
    /// Read only when the entity tag differs; otherwise `notModified`.
    public var ifNoneMatch: String?
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        ranges: [ByteRange] = [], ifMatch: String? = nil, ifNoneMatch: String? = nil,
        call: CallOptions = CallOptions()
    ) {
        self.ranges = ranges
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.call = call
    }
}

/// How to write a blob.
public struct PutOptions: Sendable, Hashable {
    /// What may be replaced.
    public var condition: WriteCondition
    /// The media type to store.
    public var contentType: String?
    /// The caller's own pairs, at most 2 KiB together; names are folded to lower case.
    public var userMetadata: [String: String]
    /// Whether to compute the SHA-256 on the way and return it.
    public var computesSHA256: Bool
    /// The SHA-256 the bytes must have; a mismatch stores nothing (`checksumMismatch`).
    public var expectedSHA256: [UInt8]?
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        condition: WriteCondition = .overwrite, contentType: String? = nil,
        userMetadata: [String: String] = [:], computesSHA256: Bool = false,
        expectedSHA256: [UInt8]? = nil, call: CallOptions = CallOptions()
    ) {
        self.condition = condition
        self.contentType = contentType
        self.userMetadata = userMetadata
        self.computesSHA256 = computesSHA256
        self.expectedSHA256 = expectedSHA256
        self.call = call
    }
}

/// Which part of a listing to return.
public struct ListOptions: Sendable, Hashable {
    /// The largest page (protocol.md, rule W-44).
    public static let maximumPageEntryCount: UInt32 = 1000

    /// Groups keys by what comes up to the first delimiter after the prefix; usually `/`.
    public var delimiter: String?
    /// Return only keys that sort after this key (bytewise).
    public var startAfter: String?
    /// Where the last page ended.
    public var pageToken: String?
    /// At most this many entries and prefixes; 1 to 1000.
    public var pageEntryCount: UInt32
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        delimiter: String? = nil, startAfter: String? = nil, pageToken: String? = nil,
        pageEntryCount: UInt32 = maximumPageEntryCount, call: CallOptions = CallOptions()
    ) {
        self.delimiter = delimiter
        self.startAfter = startAfter
        self.pageToken = pageToken
        self.pageEntryCount = pageEntryCount
        self.call = call
    }
}

/// How to copy a blob.
public struct CopyOptions: Sendable, Hashable {
    /// What may be replaced at the destination.
    public var condition: WriteCondition
    /// Copy only the version with this entity tag; otherwise `preconditionFailed`.
    public var ifSourceMatch: String?
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        condition: WriteCondition = .overwrite, ifSourceMatch: String? = nil,
        call: CallOptions = CallOptions()
    ) {
        self.condition = condition
        self.ifSourceMatch = ifSourceMatch
        self.call = call
    }
}

/// How to sign a URL.
public struct PresignOptions: Sendable, Hashable {
    /// The longest validity any store gives: seven days.
    public static let maximumSeconds: UInt32 = 7 * 24 * 3600

    /// How long the URL is to work, in seconds; 1 to seven days. The store may end it earlier.
    public var validSeconds: UInt32
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(validSeconds: UInt32 = 3600, call: CallOptions = CallOptions()) {
        self.validSeconds = validSeconds
        self.call = call
    }
}

/// How to begin a multipart upload; the values apply to the finished blob.
public struct MultipartOptions: Sendable, Hashable {
    /// The media type to store.
    public var contentType: String?
    /// The caller's own pairs, at most 2 KiB together.
    public var userMetadata: [String: String]
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        contentType: String? = nil, userMetadata: [String: String] = [:],
        call: CallOptions = CallOptions()
    ) {
        self.contentType = contentType
        self.userMetadata = userMetadata
        self.call = call
    }
}

/// How to upload one part.
public struct UploadPartOptions: Sendable, Hashable {
    /// Where the part begins in the finished blob. Stores that assemble by part number ignore it;
    /// the local store then writes straight to the place and completion need not copy.
    public var offset: UInt64?
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(offset: UInt64? = nil, call: CallOptions = CallOptions()) {
        self.offset = offset
        self.call = call
    }
}

/// How to complete a multipart upload.
public struct CompleteOptions: Sendable, Hashable {
    /// What may be replaced.
    public var condition: WriteCondition
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(condition: WriteCondition = .overwrite, call: CallOptions = CallOptions()) {
        self.condition = condition
        self.call = call
    }
}
