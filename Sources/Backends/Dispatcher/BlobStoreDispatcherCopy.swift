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
        return try await copyByHand(from, source, to, destination, options)
    }

    /// Reads here and writes there. The reader is asked for more only when the writer takes it; the
    /// read is of one version (CM-05), and what is written is compared with what was read before it is
    /// visible (CM-19).
    private func copyByHand(
        _ from: BlobRoute, _ source: BlobURI, _ to: BlobRoute, _ destination: BlobURI,
        _ options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let read: BlobRead
        do throws(BlobError) {
            let get = GetOptions(ifMatch: options.ifSourceMatch, call: options.call)
            read =
                from.target.scheme == to.target.scheme
                ? try await SteppedSource.read(from.target, in: from.store, options: get)
                : try await from.store.read(from.target, options: get)
        } catch {
            throw from.visible(error, on: source)
        }
        // However it ends: a writer that fails leaves the rest unread.
        defer { read.source.cancel() }
        let body = try CopySource(
            RoutedSource(read.source, from, source), of: source, pool: blockingPool)
        do throws(BlobError) {
            return try await to.store.put(
                to.target, body: .stream(body, byteCount: read.byteCount),
                options: PutOptions(
                    condition: options.condition, contentType: read.metadata.contentType,
                    userMetadata: read.metadata.userMetadata, call: options.call))
        } catch {
            // The reader's own error first: it names the source and says why the writer got no more.
            if let failure = body.failure { throw failure }
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
