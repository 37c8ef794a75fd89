public import BlobCore
internal import BlobWire

extension BlobClient: BlobStore {
    /// What the store behind `uri` can do.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        guard
            case .capabilities(let capabilities) = try await call(
                .capabilities(uri), options: options)
        else { throw Self.unexpected }
        return capabilities
    }

    /// The metadata of a blob.
    public func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        guard
            case .metadata(let metadata, _) = try await call(
                .head(uri, options), options: options.call)
        else { throw Self.unexpected }
        return metadata
    }

    /// Begins to read a blob.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        let result = try await perform(.get(uri, options), body: nil, options: options.call)
        guard case .metadata(let metadata, let ranges) = result.response else {
            throw Self.unexpected
        }
        // Given up when it is dropped.
        let chunks = try ResponseChunks(result, ranges: ranges)
        try Self.check(ranges, of: metadata, asked: options.ranges)
        return BlobRead(metadata: metadata, ranges: ranges, source: chunks)
    }

    /// W-72: what follows is what was asked for, and not, for example, nothing.
    private static func check(
        _ ranges: [Range<UInt64>], of metadata: BlobMetadata, asked: [ByteRange]
    ) throws(BlobError) {
        let asked = asked.isEmpty ? [.from(0)] : asked
        guard ranges.count == asked.count else { throw unexpected }
        for (range, asked) in zip(ranges, asked) {
            guard let expected = try? asked.resolved(size: metadata.byteCount),
                range == expected || range.isEmpty && expected.isEmpty
            else { throw unexpected }
        }
    }

    /// Writes a blob.
    @discardableResult
    public func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try await write(
            .put(uri, options, bodyByteCount: body.byteCount), body: body, options: options.call)
    }

    /// Deletes a blob.
    @discardableResult
    public func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        guard case .deleted(let result) = try await call(.delete(uri), options: options) else {
            throw Self.unexpected
        }
        return result
    }

    /// Deletes several blobs.
    public func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        let body = BlobBody.bytes(try RecordBody.encode(uris: uris))
        let (_, outcomes) = try await records(
            .deleteMany, body: body, options: options, RecordBody.outcomes)
        guard outcomes.count == uris.count else { throw Self.unexpected }
        return outcomes
    }

    /// Lists blobs.
    public func list(_ prefix: BlobURI, options: ListOptions) async throws(BlobError) -> ListPage {
        let (response, listing) = try await records(
            .list(prefix, options), body: nil, options: options.call, RecordBody.listing)
        guard case .page(let token) = response else { throw Self.unexpected }
        return ListPage(
            entries: listing.entries, commonPrefixes: listing.commonPrefixes,
            nextPageToken: token)
    }

    /// Copies a blob within the server.
    @discardableResult
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        try await write(
            .copy(from: source, to: destination, options), body: nil, options: options.call)
    }

    /// Signs a URL for the blob.
    public func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        let response = try await call(.presign(method, uri, options), options: options.call)
        guard case .url(let url) = response else { throw Self.unexpected }
        return url
    }

    private func write(
        _ arguments: BlobRequest.Arguments, body: BlobBody?, options: CallOptions
    ) async throws(BlobError) -> PutResult {
        let result = try await perform(arguments, body: body, options: options)
        guard case .written(let written) = result.response else { throw Self.unexpected }
        return written
    }

    /// Makes a call that is answered with records.
    func records<Value: Sendable>(
        _ arguments: BlobRequest.Arguments, body: BlobBody?, options: CallOptions,
        _ decode: (Bytes) throws(WireError) -> Value
    ) async throws(BlobError) -> (BlobResponse, Value) {
        let result = try await perform(arguments, body: body, options: options)
        let collected = try await collect(result)
        do {
            return (result.response, try decode(collected))
        } catch {
            throw BlobError(error.code, error.reason, origin: .client)
        }
    }

    /// The longest list a server may send; far above what its own limits allow.
    private static let maximumRecordByteCount = 64 << 20

    private func collect(_ result: CallResult) async throws(BlobError) -> Bytes {
        let stream = try ResponseStream(result)
        var collected = BytesBuilder()
        while let bytes = try await stream.next()?.bytes {
            guard collected.count + bytes.count <= Self.maximumRecordByteCount else {
                throw BlobError(.tooLarge, "the server's list is too long", origin: .client)
            }
            collected.append(bytes)
        }
        return collected.freeze()
    }
}
