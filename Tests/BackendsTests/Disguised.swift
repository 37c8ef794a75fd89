import BlobCore

/// A local store under another scheme, for puts only: the far side of a copy between backends.
struct Disguised: BlobStore {
    let store: any BlobStore

    private func real(_ uri: BlobURI) -> BlobURI {
        BlobURI(scheme: .file, container: "", key: uri.key)
    }

    private var unused: BlobError { BlobError(.unsupportedOperation, "not used by any test") }

    func capabilities(of uri: BlobURI, options: CallOptions) async throws(BlobError) -> Capabilities
    {
        try await store.capabilities(of: real(uri), options: options)
    }

    func head(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobMetadata {
        throw unused
    }

    func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        throw unused
    }

    func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try await store.put(real(uri), body: body, options: options)
    }

    func delete(_ uri: BlobURI, options: CallOptions) async throws(BlobError) -> DeleteResult {
        throw unused
    }

    func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] { throw unused }

    func list(_ prefix: BlobURI, options: ListOptions) async throws(BlobError) -> ListPage {
        throw unused
    }

    func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult { throw unused }

    func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL { throw unused }

    func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload { throw unused }

    func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart { throw unused }

    func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] { throw unused }

    func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage { throw unused }

    func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult { throw unused }

    func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) { throw unused }
}
