/// A multipart upload that was begun.
public struct MultipartUpload: Sendable, Hashable {
    /// The blob it will become.
    public var uri: BlobURI
    /// Names the upload in later calls.
    public var uploadID: String

    /// An upload from its parts.
    public init(uri: BlobURI, uploadID: String) {
        self.uri = uri
        self.uploadID = uploadID
    }
}

/// One part of a multipart upload, as the store or the uploader reports it.
public struct UploadedPart: Sendable, Hashable {
    /// Counts from 1.
    public var partNumber: UInt32
    /// What the store answered to the upload of the part; nil where stores give none (Azure, local).
    public var etag: String?
    /// The size of the part in bytes, when known; checked at completion when given.
    public var byteCount: UInt64?

    /// A part from its values.
    public init(partNumber: UInt32, etag: String? = nil, byteCount: UInt64? = nil) {
        self.partNumber = partNumber
        self.etag = etag
        self.byteCount = byteCount
    }
}

/// One page of the parts that a multipart upload has so far, by ascending number.
public struct PartPage: Sendable, Hashable {
    /// The parts.
    public var parts: [UploadedPart]
    /// Pass it as `afterPartNumber` for the next page; nil on the last page.
    public var nextPartNumber: UInt32?

    /// A page from its parts.
    public init(parts: [UploadedPart], nextPartNumber: UInt32? = nil) {
        self.parts = parts
        self.nextPartNumber = nextPartNumber
    }
}

/// How to cut a blob of known size into parts: 100 MiB each for the first 100, then 1 GiB each.
public struct ChunkPlan: Sendable, Hashable {
    /// The size of the first parts in bytes.
    public static let firstPartByteCount: UInt64 = 100 << 20
    /// How many parts have that size.
    public static let firstPartCount: UInt64 = 100
    /// The size of the later parts in bytes.
    public static let laterPartByteCount: UInt64 = 1 << 30

    /// The byte range of every part, in order; one empty range for an empty blob.
    public var parts: [Range<UInt64>]

    /// Plans a blob of `byteCount` bytes within `limits`.
    ///
    /// - Throws: `tooLarge` when that many bytes do not fit the backend's limits.
    public init(byteCount: UInt64, limits: Capabilities.Limits) throws(BlobError) {
        guard byteCount <= limits.maximumBlobByteCount else {
            throw BlobError(.tooLarge, "\(byteCount) bytes exceed the backend's largest blob")
        }
        var parts: [Range<UInt64>] = []
        var start: UInt64 = 0
        repeat {
            let preferred =
                parts.count < Int(Self.firstPartCount)
                ? Self.firstPartByteCount : Self.laterPartByteCount
            let end = start + min(preferred, limits.maximumPartByteCount, byteCount - start)
            parts.append(start..<end)
            start = end
            guard parts.count <= Int(limits.maximumPartCount) else {
                throw BlobError(.tooLarge, "\(byteCount) bytes need too many parts")
            }
        } while start < byteCount
        self.parts = parts
    }
}
