internal import BlobCore

/// The largest blob that a socket may write.
extension PolicyStore {
    private func tooLarge(_ uri: BlobURI, _ maximum: UInt64) -> BlobError {
        BlobError(
            .tooLarge, "this socket writes blobs of at most \(maximum) bytes", uri: uri,
            origin: .policy)
    }

    /// The body, refused when it says that it ends too far and ended when it turns out to.
    func limited(
        _ body: BlobBody, _ uri: BlobURI, offset: UInt64 = 0
    ) throws(BlobError) -> BlobBody {
        guard let maximum = policy.maximumBlobByteCount else { return body }
        guard offset <= maximum, body.byteCount ?? 0 <= maximum - offset else {
            throw tooLarge(uri, maximum)
        }
        guard case .stream(let source, nil) = body else { return body }
        let limited = LimitedSource(
            source, maximum: maximum - offset, overrun: tooLarge(uri, maximum))
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

    /// The parts as the store has them, which the completion then is told: it fails when one is replaced
    /// meanwhile. What the caller says of them does not count; parts that were sent to signed URLs are
    /// among them. An upload that is no more is for the store to judge: it may be this one's repetition.
    func measured(
        _ parts: [UploadedPart], of upload: MultipartUpload
    ) async throws(BlobError) -> [UploadedPart] {
        guard let maximum = policy.maximumBlobByteCount else { return parts }
        let stored: [UInt32: UploadedPart]
        do throws(BlobError) {
            stored = try await storedParts(of: upload, named: parts)
        } catch {
            guard error.code == .uploadNotFound, uploads.hasCompleted(upload) else { throw error }
            return parts
        }
        var byteCount: UInt64 = 0
        var measured: [UploadedPart] = []
        for part in parts {
            guard var found = stored[part.partNumber], let partByteCount = found.byteCount else {
                throw notListed(part, upload, maximum)
            }
            if let etag = part.etag, let stored = found.etag, !Self.isSame(etag, stored) {
                throw notListed(part, upload, maximum)
            }
            let (sum, overflow) = byteCount.addingReportingOverflow(partByteCount)
            guard !overflow, sum <= maximum else { throw tooLarge(upload.uri, maximum) }
            byteCount = sum
            found.etag = found.etag ?? part.etag
            measured.append(found)
        }
        return measured
    }

    /// With or without the quotes that a header has around it.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        func bare(_ etag: String) -> some Sequence<UInt8> { etag.utf8.filter { $0 != 0x22 } }
        return bare(left).elementsEqual(bare(right))
    }

    private func storedParts(
        of upload: MultipartUpload, named parts: [UploadedPart]
    ) async throws(BlobError) -> [UInt32: UploadedPart] {
        let named = Set(parts.map(\.partNumber))
        var stored: [UInt32: UploadedPart] = [:]
        var after: UInt32 = 0
        while true {
            let page = try await store.listParts(
                upload, afterPartNumber: after, options: CallOptions())
            for part in page.parts where named.contains(part.partNumber) {
                stored[part.partNumber] = part
            }
            guard page.nextPartNumber != nil, let last = page.parts.last?.partNumber,
                last > after
            else { return stored }
            after = last
        }
    }

    private func notListed(
        _ part: UploadedPart, _ upload: MultipartUpload, _ maximum: UInt64
    ) -> BlobError {
        BlobError(
            .multipart,
            "part \(part.partNumber) is not among the parts of the upload as given; this socket writes"
                + " blobs of at most \(maximum) bytes and takes only parts whose size is known",
            uri: upload.uri, origin: .policy)
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
