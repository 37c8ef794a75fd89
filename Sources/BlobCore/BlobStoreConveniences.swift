extension BlobStore {
    /// The metadata of a blob.
    public func head(_ uri: BlobURI) async throws(BlobError) -> BlobMetadata {
        try await head(uri, options: GetOptions())
    }

    /// Reads a blob, or `range` of it, into memory.
    ///
    /// - Parameter maximumByteCount: More bytes than this are an error (`tooLarge`), found before
    ///   they are read; stream with `read` instead.
    public func get(
        _ uri: BlobURI, range: ByteRange? = nil, maximumByteCount: Int = 256 << 20
    ) async throws(BlobError) -> Bytes {
        let options = GetOptions(ranges: range.map { [$0] } ?? [])
        return try await get(uri, options: options, maximumByteCount: maximumByteCount).bytes
    }

    /// Reads the bytes that `options` ask for into memory, range after range.
    ///
    /// - Parameter maximumByteCount: More bytes than this are an error (`tooLarge`).
    public func get(
        _ uri: BlobURI, options: GetOptions, maximumByteCount: Int = 256 << 20
    ) async throws(BlobError) -> (metadata: BlobMetadata, bytes: Bytes) {
        let read = try await read(uri, options: options)
        guard read.byteCount <= UInt64(max(0, maximumByteCount)) else {
            read.source.cancel()
            throw BlobError(
                .tooLarge,
                "\(read.byteCount) bytes are more than the \(maximumByteCount) asked for; use read",
                uri: uri, origin: .client)
        }
        guard let first = try await read.source.next() else { return (read.metadata, Bytes()) }
        if UInt64(first.bytes.count) == read.byteCount {
            // The end still has to be seen: only then has the store verified the bytes.
            guard try await read.source.next() == nil else { throw Self.surplus(uri) }
            return (read.metadata, first.bytes)
        }
        var collected = BytesBuilder(capacity: Int(read.byteCount))
        collected.append(first.bytes)
        while let chunk = try await read.source.next() {
            guard collected.count + chunk.bytes.count <= Int(read.byteCount) else {
                throw Self.surplus(uri)
            }
            collected.append(chunk.bytes)
        }
        guard collected.count == Int(read.byteCount) else {
            throw BlobError(.dataLoss, "the blob ended early", uri: uri, origin: .client)
        }
        return (read.metadata, collected.freeze())
    }

    private static func surplus(_ uri: BlobURI) -> BlobError {
        BlobError(.dataLoss, "more bytes came than announced", uri: uri, origin: .client)
    }

    /// Begins to read a blob, or `range` of it.
    public func read(_ uri: BlobURI, range: ByteRange? = nil) async throws(BlobError) -> BlobRead {
        try await read(uri, options: GetOptions(ranges: range.map { [$0] } ?? []))
    }

    /// Writes `bytes` as a blob.
    @discardableResult
    public func put(
        _ uri: BlobURI, _ bytes: Bytes, options: PutOptions = PutOptions()
    ) async throws(BlobError) -> PutResult {
        try await put(uri, body: .bytes(bytes), options: options)
    }

    /// Deletes a blob; succeeds when there is none.
    @discardableResult
    public func delete(_ uri: BlobURI) async throws(BlobError) -> DeleteResult {
        try await delete(uri, options: CallOptions())
    }

    /// Signs a URL that reads the blob.
    public func presignGet(
        _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        try await presign(.get, uri, options: options)
    }

    /// Signs a URL that writes the blob.
    public func presignPut(
        _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        try await presign(.put, uri, options: options)
    }

    /// Walks all pages of a listing.
    public func listAll(
        _ prefix: BlobURI, options: ListOptions = ListOptions()
    ) async throws(BlobError) -> [ListEntry] {
        var options = options
        var entries: [ListEntry] = []
        repeat {
            let page = try await list(prefix, options: options)
            entries += page.entries
            options.pageToken = page.nextPageToken
        } while options.pageToken != nil
        return entries
    }
}
