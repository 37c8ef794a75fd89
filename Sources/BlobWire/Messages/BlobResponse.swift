public import BlobCore

/// The answer to a call (rule W-62): a failure, or what the operation returns.
///
/// The same layout serves the trailer after a body.
public enum BlobResponse: Hashable, Sendable {
    /// The call failed.
    case failure(BlobError)
    /// Nothing to say but that it worked: abort, and every trailer.
    case done
    /// head and get: the metadata and, for get, the ranges that follow.
    case metadata(BlobMetadata, ranges: [Range<UInt64>])
    /// put, copy, completeMultipartUpload.
    case written(PutResult)
    /// delete.
    case deleted(DeleteResult)
    /// list: the entries follow as records.
    case page(nextPageToken: String?)
    /// createMultipartUpload.
    case upload(MultipartUpload)
    /// uploadPart.
    case part(UploadedPart)
    /// presignGet, presignPut, presignHead and presignDelete.
    case url(PresignedURL)
    /// listParts: the parts follow as records.
    case parts(nextPartNumber: UInt32?)
    /// deleteMany, presignUploadParts, removeListener and listListeners: what they return follows as
    /// records.
    case records
    /// capabilities.
    case capabilities(Capabilities)
    /// info.
    case info(ServerInfo)
    /// addListener.
    case listener(path: String)
}
