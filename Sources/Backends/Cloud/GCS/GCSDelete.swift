internal import Backends
public import BlobCore

extension GCSBackend {
    /// Deletes a blob. The service says whether there was one; we do not mind if not (GC-09, W-74).
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        let request = CloudRequest(.delete, uri, "deleting the blob")
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: CallDeadline(options))
        } catch {
            guard error.error.code == .notFound else { throw error.error.on(uri) }
            // An attempt before this one may have done it without telling.
            return DeleteResult(existed: error.isAmbiguous ? nil : false)
        }
        return DeleteResult(existed: true)
    }

    /// Deletes blobs one by one, several at once (W-75).
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        try CloudStore.checkDeletion(uris)
        return await CloudStore.deleteEach(uris) { uri async throws(BlobError) in
            try await self.delete(uri, options: options)
        }
    }
}
