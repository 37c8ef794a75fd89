package import BlobCore
internal import Synchronization

/// A store that passes every call on, lets a test wait for what becomes of a put, and lets it step in
/// between.
package final class ObservedStore: BlobStore {
    /// How a put ended.
    package struct PutOutcome: Sendable {
        /// What it threw; nil when it succeeded.
        package var error: BlobError.Code?
        /// What its body threw; nil when it did not fail.
        package var bodyError: BlobError.Code?
        /// Whether the task that served it was cancelled.
        package var wasCancelled: Bool
    }

    /// Called before an operation on blobs or uploads is passed on; what it throws is the answer.
    package typealias Interception =
        @Sendable (_ operation: BlobOperation) async throws(BlobError) -> Void

    /// Called with each chunk of a read; what it returns is what the reader gets.
    package typealias ChunkHook = @Sendable (BlobChunk) async throws(BlobError) -> BlobChunk

    private let store: any BlobStore
    private let intercept: Interception
    private let onChunk: ChunkHook?
    private let outcome = Mutex<PutOutcome?>(nil)
    /// The store has taken bytes of a streamed body, or will take none.
    package let bodyBegan = Event()
    private let putEnded = Event()

    /// Observes `store`.
    package init(
        _ store: any BlobStore, intercept: @escaping Interception = { _ in },
        onChunk: ChunkHook? = nil
    ) {
        self.store = store
        self.onChunk = onChunk
        self.intercept = intercept
    }

    /// Waits until the first put has ended; its error as the store threw it.
    package func firstPut() async throws -> PutOutcome {
        try await putEnded.wait()
        return outcome.withLock { $0 } ?? PutOutcome(wasCancelled: false)
    }

    /// Passes the call on and keeps how it ends.
    package func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        var body = body
        var source: ObservedSource?
        if case .stream(let original, let byteCount) = body {
            let observed = ObservedSource(original, began: bodyBegan)
            source = observed
            body = .stream(observed, byteCount: byteCount)
        }
        let result: Result<PutResult, BlobError>
        do throws(BlobError) {
            try await intercept(.put)
            result = .success(try await store.put(uri, body: body, options: options))
        } catch {
            result = .failure(error)
        }
        let ended = PutOutcome(
            error: result.failure?.code, bodyError: source?.error, wasCancelled: Task.isCancelled)
        outcome.withLock { if $0 == nil { $0 = ended } }
        putEnded.signal()
        // Nobody waits for bytes that no longer come: what the put ended with says why.
        bodyBegan.signal()
        return try result.get()
    }
}

extension Result where Failure == BlobError {
    fileprivate var failure: BlobError? {
        if case .failure(let error) = self { error } else { nil }
    }
}

/// Passes a body on and keeps how it ends.
private final class ObservedSource: ByteSource {
    private let source: any ByteSource
    private let began: Event
    private let failure = Mutex<BlobError.Code?>(nil)

    init(_ source: any ByteSource, began: Event) {
        self.source = source
        self.began = began
    }

    var error: BlobError.Code? { failure.withLock { $0 } }

    func next() async throws(BlobError) -> Bytes? {
        do throws(BlobError) {
            let bytes = try await source.next()
            if bytes != nil { began.signal() }
            return bytes
        } catch {
            failure.withLock { $0 = error.code }
            throw error
        }
    }
}

/// Passes chunks on as a hook makes them.
private final class HookedSource: ChunkSource {
    private let source: any ChunkSource
    private let onChunk: ObservedStore.ChunkHook

    init(_ source: any ChunkSource, _ onChunk: @escaping ObservedStore.ChunkHook) {
        self.source = source
        self.onChunk = onChunk
    }

    func next() async throws(BlobError) -> BlobChunk? {
        guard let chunk = try await source.next() else { return nil }
        return try await onChunk(chunk)
    }

    func cancel() { source.cancel() }
}

/// Everything else is passed on as it is.
extension ObservedStore {
    package func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        try await store.capabilities(of: uri, options: options)
    }

    package func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        try await intercept(.head)
        return try await store.head(uri, options: options)
    }

    package func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        try await intercept(.get)
        var read = try await store.read(uri, options: options)
        if let onChunk { read.source = HookedSource(read.source, onChunk) }
        return read
    }

    package func delete(
        _ uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> DeleteResult {
        try await intercept(.delete)
        return try await store.delete(uri, options: options)
    }

    package func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        try await intercept(.deleteMany)
        return try await store.delete(uris, options: options)
    }

    package func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        try await intercept(.list)
        return try await store.list(prefix, options: options)
    }

    package func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        try await intercept(.copy)
        return try await store.copy(from: source, to: destination, options: options)
    }

    package func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        try await intercept(method.operation)
        return try await store.presign(method, uri, options: options)
    }

    package func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        try await intercept(.createMultipartUpload)
        return try await store.createMultipartUpload(uri, options: options)
    }

    package func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        try await intercept(.uploadPart)
        return try await store.uploadPart(
            upload, partNumber: partNumber, body: body, options: options)
    }

    package func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        try await intercept(.presignUploadParts)
        return try await store.presignUploadParts(
            upload, partNumbers: partNumbers, options: options)
    }

    package func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        try await intercept(.listParts)
        return try await store.listParts(upload, afterPartNumber: afterPartNumber, options: options)
    }

    package func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        try await intercept(.completeMultipartUpload)
        return try await store.completeMultipartUpload(upload, parts: parts, options: options)
    }

    package func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        try await intercept(.abortMultipartUpload)
        try await store.abortMultipartUpload(upload, options: options)
    }
}
