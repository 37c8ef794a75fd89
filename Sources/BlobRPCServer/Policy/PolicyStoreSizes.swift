internal import BlobCore

/// The largest blob that a socket may write.
extension PolicyStore {
    private func tooLarge(_ uri: BlobURI, _ maximum: UInt64) -> BlobError {
        BlobError(
            .tooLarge, "this socket writes blobs of at most \(maximum) bytes", uri: uri,
            origin: .policy)
    }

    /// The body, refused when it says that it is too long and ended when it turns out to be.
    func limited(_ body: BlobBody, _ uri: BlobURI) throws(BlobError) -> BlobBody {
        guard let maximum = policy.maximumBlobByteCount else { return body }
        guard body.byteCount ?? 0 <= maximum else { throw tooLarge(uri, maximum) }
        guard case .stream(let source, nil) = body else { return body }
        let limited = LimitedSource(source, maximum: maximum, overrun: tooLarge(uri, maximum))
        return .stream(limited, byteCount: nil)
    }

    /// A source that is small enough, and will be the one that is copied.
    func limited(
        _ options: CopyOptions, _ source: BlobURI
    ) async throws(BlobError) -> CopyOptions {
        guard let maximum = policy.maximumBlobByteCount else { return options }
        let metadata = try await veiled(source) { store throws(BlobError) in
            try await store.head(source, options: GetOptions(ifMatch: options.ifSourceMatch))
        }
        guard metadata.byteCount <= maximum else { throw tooLarge(source, maximum) }
        var options = options
        options.ifSourceMatch = metadata.etag
        return options
    }

    /// What the store says about the parts counts, not what the caller says; parts that were sent to
    /// signed URLs are among them.
    func checkSize(of upload: MultipartUpload, _ parts: [UploadedPart]) async throws(BlobError) {
        guard let maximum = policy.maximumBlobByteCount else { return }
        let named = Set(parts.map(\.partNumber))
        var byteCount: UInt64 = 0
        var after: UInt32 = 0
        while true {
            let page = try await store.listParts(
                upload, afterPartNumber: after, options: CallOptions())
            for part in page.parts where named.contains(part.partNumber) {
                let (sum, overflow) = byteCount.addingReportingOverflow(part.byteCount ?? .max)
                guard !overflow, sum <= maximum else { throw tooLarge(upload.uri, maximum) }
                byteCount = sum
            }
            guard page.nextPartNumber != nil, let last = page.parts.last?.partNumber,
                last > after
            else { return }
            after = last
        }
    }
}

/// A source that ends with an error when it has more bytes than it may have.
///
/// `@unchecked Sendable`: the count is touched only inside `next`, which one consumer at a time calls.
final class LimitedSource: ByteSource, @unchecked Sendable {
    private let source: any ByteSource
    private let overrun: BlobError
    private var remainingByteCount: UInt64

    init(_ source: any ByteSource, maximum: UInt64, overrun: BlobError) {
        self.source = source
        self.overrun = overrun
        remainingByteCount = maximum
    }

    func next() async throws(BlobError) -> Bytes? {
        guard let bytes = try await source.next() else { return nil }
        guard UInt64(bytes.count) <= remainingByteCount else { throw overrun }
        remainingByteCount -= UInt64(bytes.count)
        return bytes
    }
}
