public import BlobCore

extension BlobStoreDispatcher {
    /// What the backend of `uri` can do.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.capabilities(of: target, options: options)
        }
    }

    /// The metadata of a blob.
    public func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.head(target, options: options)
        }
    }

    /// Begins to read a blob. A local blob's source stays a `LocalFileSource`, also below a mount:
    /// the server looks for it.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        let route = try route(uri)
        var read = try await route.call(for: uri) { store, target throws(BlobError) in
            try await store.read(target, options: options)
        }
        guard route.mount != nil else { return read }
        if let file = read.source as? LocalFileSource {
            read.source = file.renamed(uri)
        } else {
            read.source = RoutedSource(read.source, route, uri)
        }
        return read
    }

    /// Writes a blob.
    public func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.put(target, body: body, options: options)
        }
    }

    /// Deletes a blob.
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.delete(target, options: options)
        }
    }

    /// Deletes up to 1000 blobs, each backend's in one call; the outcomes are in the order given.
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        guard uris.count <= 1000 else {
            throw BlobError(.invalidArgument, "at most 1000 blobs can be deleted in one call")
        }
        var outcomes = [Result<DeleteResult, BlobError>](
            repeating: .failure(.cancelled), count: uris.count)
        var groups: [BlobURI.Scheme: [(position: Int, route: BlobRoute)]] = [:]
        for (position, uri) in uris.enumerated() {
            do throws(BlobError) {
                let route = try route(uri)
                groups[route.target.scheme, default: []].append((position, route))
            } catch {
                outcomes[position] = .failure(error.on(uri))
            }
        }
        for group in groups.values {
            guard let store = group.first?.route.store else { continue }
            let results: [Result<DeleteResult, BlobError>]
            do throws(BlobError) {
                results = try await store.delete(group.map(\.route.target), options: options)
            } catch {
                results = Array(repeating: .failure(error), count: group.count)
            }
            for ((position, route), result) in zip(group, results) {
                outcomes[position] = result.mapError { route.visible($0, on: uris[position]) }
            }
        }
        return outcomes
    }

    /// Lists blobs; below a mount the URIs and the page token of the answer are the mount's.
    public func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        let route = try route(prefix)
        var options = options
        if let mount = route.mount {
            options.startAfter = options.startAfter.map(mount.targetKey)
            do throws(BlobError) {
                options.pageToken = try options.pageToken.map { token throws(BlobError) in
                    try pageTokenSeal.open(token, of: mount)
                }
            } catch {
                throw error.on(prefix)
            }
        }
        let mapped = options
        var page = try await route.call(for: prefix) { store, target throws(BlobError) in
            try await store.list(target, options: mapped)
        }
        guard let mount = route.mount else { return page }
        page.nextPageToken = try page.nextPageToken.map { token throws(BlobError) in
            try pageTokenSeal.seal(token, of: mount)
        }
        for index in page.entries.indices {
            page.entries[index].uri = route.visible(page.entries[index].uri)
        }
        page.commonPrefixes = page.commonPrefixes.map { route.visible($0) }
        return page
    }

    /// Signs a URL. It shows where the mount is: that is what signing is for.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        try await route(uri).call(for: uri) { store, target throws(BlobError) in
            try await store.presign(method, target, options: options)
        }
    }
}
