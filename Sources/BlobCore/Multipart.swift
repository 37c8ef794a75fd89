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
