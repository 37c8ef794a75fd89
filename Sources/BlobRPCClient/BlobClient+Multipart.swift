public import BlobCore
internal import BlobWire

extension BlobClient {
    /// Begins a multipart upload.
    public func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        let response = try await call(.createMultipartUpload(uri, options), options: options.call)
        guard case .upload(let upload) = response else { throw Self.unexpected }
        return upload
    }

    /// Uploads one part.
    public func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        let arguments = BlobRequest.Arguments.uploadPart(
            upload, partNumber: partNumber, options, bodyByteCount: body.byteCount)
        let result = try await perform(arguments, body: body, options: options.call)
        guard case .part(let part) = result.response else { throw Self.unexpected }
        return part
    }

    /// Signs a URL for each part.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        let body = BlobBody.bytes(try RecordBody.encode(partNumbers: partNumbers))
        let (_, urls) = try await records(
            .presignUploadParts(upload, options), body: body, options: options.call,
            RecordBody.urls)
        guard urls.count == partNumbers.count else { throw Self.unexpected }
        return urls
    }

    /// The parts uploaded so far.
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let (response, parts) = try await records(
            .listParts(upload, afterPartNumber: afterPartNumber), body: nil, options: options,
            RecordBody.parts)
        guard case .parts(let next) = response else { throw Self.unexpected }
        return PartPage(parts: parts, nextPartNumber: next)
    }

    /// Makes the blob from its parts.
    @discardableResult
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let body = BlobBody.bytes(try RecordBody.encode(parts: parts))
        let result = try await perform(
            .completeMultipartUpload(upload, options), body: body, options: options.call)
        guard case .written(let written) = result.response else { throw Self.unexpected }
        return written
    }

    /// Gives the upload up.
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        let response = try await call(.abortMultipartUpload(upload), options: options)
        guard case .done = response else { throw Self.unexpected }
    }
}
