public import BlobCore

extension BlobStoreDispatcher {
    /// Begins an upload; its URI is the one given here.
    public func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        let upload = try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.createMultipartUpload(target, options: options)
        }
        return MultipartUpload(uri: uri, uploadID: upload.uploadID)
    }

    /// Uploads one part.
    public func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        let route = try route(upload.uri)
        return try await route.call(for: upload.uri) { store, _ throws(BlobError) in
            try await store.uploadPart(
                route.targetUpload(upload), partNumber: partNumber, body: body, options: options)
        }
    }

    /// Signs a URL for each part.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        let route = try route(upload.uri)
        return try await route.call(for: upload.uri) { store, _ throws(BlobError) in
            try await store.presignUploadParts(
                route.targetUpload(upload), partNumbers: partNumbers, options: options)
        }
    }

    /// The parts uploaded so far.
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let route = try route(upload.uri)
        return try await route.call(for: upload.uri) { store, _ throws(BlobError) in
            try await store.listParts(
                route.targetUpload(upload), afterPartNumber: afterPartNumber, options: options)
        }
    }

    /// Makes the blob.
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let route = try route(upload.uri)
        return try await route.call(for: upload.uri) { store, _ throws(BlobError) in
            try await store.completeMultipartUpload(
                route.targetUpload(upload), parts: parts, options: options)
        }
    }

    /// Gives an upload up.
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        let route = try route(upload.uri)
        try await route.call(for: upload.uri) { store, _ throws(BlobError) in
            try await store.abortMultipartUpload(route.targetUpload(upload), options: options)
        }
    }
}
