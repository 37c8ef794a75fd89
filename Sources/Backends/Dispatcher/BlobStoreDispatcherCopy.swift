public import BlobCore

extension BlobStoreDispatcher {
    /// Copies a blob: within a backend by the backend, else by reading here and writing there.
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let from = try route(source)
        let to = try route(destination)
        if from.target.scheme == to.target.scheme {
            do throws(BlobError) {
                return try await to.store.copy(from: from.target, to: to.target, options: options)
            } catch {
                // For example between two accounts: then by hand.
                guard error.code == .unsupportedOperation else {
                    throw visible(error, from, source, to, destination)
                }
            }
        }
        let read: BlobRead
        do throws(BlobError) {
            read = try await from.store.read(
                from.target, options: GetOptions(ifMatch: options.ifSourceMatch, call: options.call)
            )
        } catch {
            throw from.visible(error, on: source)
        }
        // The reader is asked for the next chunk only when the writer takes it: memory is bounded by
        // what the two hold for one transfer each.
        let body = BlobBody.stream(
            CopySource(RoutedSource(read.source, from, source)), byteCount: read.byteCount)
        do throws(BlobError) {
            return try await to.store.put(
                to.target, body: body,
                options: PutOptions(
                    condition: options.condition, contentType: read.metadata.contentType,
                    userMetadata: read.metadata.userMetadata, call: options.call))
        } catch {
            read.source.cancel()
            throw to.visible(error, on: destination)
        }
    }

    /// The backend named one of the two blobs; name the caller's for it.
    private func visible(
        _ error: BlobError, _ from: BlobRoute, _ source: BlobURI, _ to: BlobRoute,
        _ destination: BlobURI
    ) -> BlobError {
        if error.uri == from.target.redactedDescription, error.uri != to.target.redactedDescription
        {
            return from.visible(error, on: source)
        }
        return to.visible(error, on: destination)
    }
}

/// The bytes of a blob being read, as the body of a put.
final class CopySource: ByteSource {
    private let source: any ChunkSource

    init(_ source: any ChunkSource) {
        self.source = source
    }

    func next() async throws(BlobError) -> Bytes? {
        try await source.next()?.bytes
    }
}
