/// Blobs by URI: implemented by every backend, by the dispatcher over them and by the RPC client.
///
/// Code written against it runs in process or through the socket unchanged. Every method may throw
/// any `BlobError`; the codes named below are the ones that carry meaning for the caller. Cancelling
/// the task cancels the work, here and in the server.
public protocol BlobStore: Sendable {
    /// What the store behind `uri` can do. The key may be empty.
    func capabilities(of uri: BlobURI, options: CallOptions) async throws(BlobError) -> Capabilities

    /// The metadata of a blob.
    ///
    /// - Throws: `notFound` only when the blob certainly does not exist (rule W-70).
    func head(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobMetadata

    /// Begins to read a blob; bytes flow only as fast as the caller takes them (rules W-71, W-72).
    ///
    /// - Throws: `notFound`, `rangeNotSatisfiable`, `preconditionFailed`, `notModified`; while
    ///   reading, `objectChanged` rather than bytes of two versions.
    func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead

    /// Writes a blob. It becomes visible whole, after its last byte, or not at all (rule W-73).
    ///
    /// - Throws: `alreadyExists`, `preconditionFailed`, `checksumMismatch`, `conflict`, `noSpace`.
    @discardableResult
    func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult

    /// Deletes a blob; succeeds when there is none (rule W-74).
    @discardableResult
    func delete(_ uri: BlobURI, options: CallOptions) async throws(BlobError) -> DeleteResult

    /// Deletes up to 1000 blobs; the outcomes are in the order of `uris` (rule W-75).
    func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>]

    /// Lists the blobs whose key begins with the key of `prefix` (bytes, not path segments;
    /// rule W-76).
    func list(_ prefix: BlobURI, options: ListOptions) async throws(BlobError) -> ListPage

    /// Copies a blob with its content type and user metadata (rule W-77).
    @discardableResult
    func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult

    /// Signs a URL by which anybody may do one thing with the blob for a while. The blob need not
    /// exist (rule W-78).
    ///
    /// - Throws: `presign` for a validity outside of 1 second to 7 days and for a blob whose URL cannot
    ///   be signed; `unsupportedOperation` for a method that the store cannot sign for.
    func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL

    /// Begins a multipart upload. Nothing is visible before it is completed (rule W-80).
    func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload

    /// Uploads one part; a part of the same number is replaced (rule W-81).
    ///
    /// - Throws: `uploadNotFound`, `invalidArgument` for a part number outside 1 to 10,000.
    func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart

    /// Signs a URL for each of `partNumbers`, in that order; at most 10,000 in one call.
    func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL]

    /// The parts uploaded so far that come after `afterPartNumber` (rule W-82).
    func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage

    /// Makes the blob from `parts`, which are in ascending order of their numbers (rule W-83); no
    /// parts make an empty blob.
    ///
    /// - Throws: `multipart` when the parts do not fit together, `uploadNotFound`; the destination
    ///   is then as it was.
    @discardableResult
    func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult

    /// Gives up an upload and removes its parts, never the destination. An unknown upload counts as
    /// given
    /// up (rule W-84).
    func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError)
}
