internal import BlobCore

/// With grants, a socket knows the uploads that were begun through it and no others: an upload's ID is
/// no key to what somebody else has begun (rule W-91).
extension PolicyStore {
    func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        try judge.judge(.createMultipartUpload, uri)
        try uploads.reserve(policy)
        let upload: MultipartUpload
        do throws(BlobError) {
            upload = try await veiled(uri) { store throws(BlobError) in
                try await store.createMultipartUpload(uri, options: options)
            }
        } catch {
            uploads.release()
            throw error
        }
        guard uploads.open(upload) else {
            // The socket was removed meanwhile, and its list of uploads is out of the house. A task of
            // its own: this one is cancelled.
            await Task { [store] in
                try? await store.abortMultipartUpload(upload, options: CallOptions())
            }.value
            throw BlobError(.connectionLost, "the socket was removed", uri: uri)
        }
        return upload
    }

    func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        try judge(.uploadPart, upload)
        let body = try limited(body, upload.uri, offset: options.offset ?? 0)
        return try await veiled(upload) { store throws(BlobError) in
            try await store.uploadPart(
                upload, partNumber: partNumber, body: body, options: options)
        }
    }

    /// W-93
    func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        try judge(.presignUploadParts, upload)
        try checkValidity(options, upload.uri)
        let urls = try await veiled(upload) { store throws(BlobError) in
            try await store.presignUploadParts(
                upload, partNumbers: partNumbers, options: options)
        }
        for url in urls { try checkExpiry(url, upload.uri) }
        return urls
    }

    func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        try judge(.listParts, upload)
        return try await veiled(upload) { store throws(BlobError) in
            try await store.listParts(
                upload, afterPartNumber: afterPartNumber, options: options)
        }
    }

    func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        try judge.judge(.completeMultipartUpload, upload.uri)
        guard judge.grants == nil || uploads.contains(upload) || uploads.hasCompleted(upload) else {
            throw PolicyJudge.noUpload(upload.uri)
        }
        let result = try await veiled(upload) { store throws(BlobError) in
            let parts = try await measured(parts, of: upload)
            return try await store.completeMultipartUpload(
                upload, parts: parts, options: options)
        }
        uploads.complete(upload)
        return result
    }

    /// W-84: an unknown upload counts as given up, and with it the upload of somebody else.
    func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        try judge.judge(.abortMultipartUpload)
        if judge.grants != nil {
            try PolicyJudge.checkSegments(of: upload.uri)
            guard judge.allows(.abortMultipartUpload, upload.uri), uploads.contains(upload) else {
                return
            }
        }
        try await veiled(upload.uri) { store throws(BlobError) in
            try await store.abortMultipartUpload(upload, options: options)
        }
        uploads.close(upload)
    }

    /// An upload that the store does not know, any more, is not open.
    private func veiled<Value>(
        _ upload: MultipartUpload,
        _ body: (any BlobStore) async throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlobError) {
            return try await veiled(upload.uri, body)
        } catch {
            if error.code == .uploadNotFound { uploads.close(upload) }
            throw error
        }
    }

    private func judge(
        _ operation: BlobOperation, _ upload: MultipartUpload
    ) throws(BlobError) {
        try judge.judge(operation, upload.uri)
        guard judge.grants == nil || uploads.contains(upload) else {
            throw PolicyJudge.noUpload(upload.uri)
        }
    }
}
