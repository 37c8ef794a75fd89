internal import Backends
internal import BlobCore

/// The stores as one socket may use them: judges every call on the very values that are executed,
/// and answers for what is not granted as if it did not exist.
///
/// A call keeps the store it began with, so a policy that changes holds for the calls after it.
final class PolicyStore: BlobStore {
    let judge: PolicyJudge
    let store: any BlobStore
    let uploads: UploadLedger
    let veil: ErrorVeil

    var policy: ListenerPolicy { judge.policy }

    init(_ store: any BlobStore, policy: ListenerPolicy, uploads: UploadLedger) {
        self.store = store
        self.uploads = uploads
        judge = PolicyJudge(policy)
        veil = ErrorVeil(policy)
    }

    /// Judges and calls `body`; its errors are veiled.
    func call<Value>(
        _ operation: BlobOperation, _ uri: BlobURI,
        _ body: (any BlobStore) async throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        try judge.judge(operation, uri)
        return try await veiled(uri, body)
    }

    func veiled<Value>(
        _ uri: BlobURI, _ body: (any BlobStore) async throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        do throws(BlobError) {
            return try await body(store)
        } catch {
            throw veil.visible(error, on: uri)
        }
    }

    // MARK: Looking

    /// W-85: no more than the socket allows on this very place.
    func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        var capabilities = try await call(.capabilities, uri) { store throws(BlobError) in
            try await store.capabilities(of: uri, options: options)
        }
        capabilities.operations = capabilities.operations.filter { judge.allows($0, uri) }
        if let maximum = policy.maximumBlobByteCount {
            capabilities.limits.maximumBlobByteCount = min(
                maximum, capabilities.limits.maximumBlobByteCount)
            capabilities.limits.maximumPartByteCount = min(
                maximum, capabilities.limits.maximumPartByteCount)
        }
        if let seconds = capabilities.limits.maximumPresignSeconds {
            capabilities.limits.maximumPresignSeconds = min(
                seconds, policy.presign.maximumSeconds)
        }
        return capabilities
    }

    func head(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobMetadata {
        try await call(.head, uri) { store throws(BlobError) in
            try await store.head(uri, options: options)
        }
    }

    /// The source of a local blob stays what it is: the server sends its file. Its errors tell of
    /// files only.
    func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        var read = try await call(.get, uri) { store throws(BlobError) in
            try await store.read(uri, options: options)
        }
        if !(read.source is LocalFileSource) {
            read.source = VeiledSource(read.source, veil, uri)
        }
        return read
    }

    /// W-92
    func list(_ prefix: BlobURI, options: ListOptions) async throws(BlobError) -> ListPage {
        try judge.judge(.list)
        guard let grants = judge.grants else {
            return try await veiled(prefix) { store throws(BlobError) in
                try await store.list(prefix, options: options)
            }
        }
        try PolicyJudge.checkSegments(of: prefix)
        let listing = GrantedListing(grants.filter { $0.allows(.list) }, prefix, options)
        var page = try await veiled(prefix) { store throws(BlobError) in
            try await listing.page(of: store)
        }
        // The listing asks for nothing else; whatever a store makes of it, nothing else gets out.
        page.entries.removeAll { !listing.shows($0.uri) }
        return page
    }

    // MARK: Writing

    func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try judge.judge(.put, uri)
        let body = try limited(body, uri)
        return try await veiled(uri) { store throws(BlobError) in
            try await store.put(uri, body: body, options: options)
        }
    }

    func delete(_ uri: BlobURI, options: CallOptions) async throws(BlobError) -> DeleteResult {
        try await call(.delete, uri) { store throws(BlobError) in
            try await store.delete(uri, options: options)
        }
    }

    /// W-91: what is not granted fails by itself, the others are deleted.
    func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        try judge.judge(.deleteMany)
        var outcomes: [Result<DeleteResult, BlobError>] = []
        var granted: [(position: Int, uri: BlobURI)] = []
        for (position, uri) in uris.enumerated() {
            do throws(BlobError) {
                try judge.judge(.deleteMany, uri)
                granted.append((position, uri))
                outcomes.append(.failure(.cancelled))
            } catch {
                outcomes.append(.failure(error))
            }
        }
        guard let first = granted.first?.uri else { return outcomes }
        let wanted = granted.map(\.uri)
        let results = try await veiled(first) { store throws(BlobError) in
            try await store.delete(wanted, options: options)
        }
        for ((position, uri), result) in zip(granted, results) {
            outcomes[position] = result.mapError { veil.visible($0, on: uri) }
        }
        return outcomes
    }

    /// W-91: a copy reads its source and writes its destination, and needs both granted.
    func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        try judge.judge(.copy)
        try judge.judge(.get, source)
        try judge.judge(.put, destination)
        try judge.judge(.copy, destination)
        let options = try await limited(options, source)
        // An error may be of either end; it names the one it is about.
        return try await veiled(source) { store throws(BlobError) in
            try await store.copy(from: source, to: destination, options: options)
        }
    }

    /// W-93: only what expires, and in time.
    func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        try judge.judge(method.operation, uri)
        try checkValidity(options, uri)
        let url = try await veiled(uri) { store throws(BlobError) in
            try await store.presign(method, uri, options: options)
        }
        try checkExpiry(url, uri)
        return url
    }

    // MARK: Signing

    func checkValidity(_ options: PresignOptions, _ uri: BlobURI) throws(BlobError) {
        guard options.validSeconds <= policy.presign.maximumSeconds else {
            throw BlobError(
                .presign,
                "this socket signs URLs for at most \(policy.presign.maximumSeconds) seconds",
                uri: uri, origin: .policy)
        }
    }

    /// A local blob's URL never expires, and is a path of the server.
    func checkExpiry(_ url: PresignedURL, _ uri: BlobURI) throws(BlobError) {
        guard url.expiresAt != nil || policy.presign == .unlimited else {
            throw BlobError(
                .presign, "this store has no URLs that expire, and this socket signs no others",
                uri: uri, origin: .policy)
        }
    }
}
