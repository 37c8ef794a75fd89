import BlobCore
import Synchronization

/// The smallest store that the commands cannot tell from a real one.
final class MemoryStore: BlobStore {
    struct Blob {
        var bytes: [UInt8]
        var contentType: String?
        var userMetadata: [String: String]
        var version: UInt64
    }

    struct State {
        var blobs: [String: Blob] = [:]
        var uploads: [String: [UInt32: [UInt8]]] = [:]
        var lastVersion: UInt64 = 0
        /// The options of the last call that had a time limit.
        var lastTimeout: Duration?
        var listCallCount = 0
    }

    let state = Mutex(State())
    /// How many bytes one chunk of a read has.
    let chunkByteCount: Int
    /// After this many bytes a read fails.
    let failsReadingAfter: Int?

    init(chunkByteCount: Int = 1000, failsReadingAfter: Int? = nil) {
        self.chunkByteCount = chunkByteCount
        self.failsReadingAfter = failsReadingAfter
    }

    func blob(_ uri: String) -> Blob? {
        state.withLock { $0.blobs[uri] }
    }

    func insert(_ uri: String, _ bytes: [UInt8], metadata: [String: String] = [:]) {
        state.withLock { state in
            state.lastVersion += 1
            state.blobs[uri] = Blob(
                bytes: bytes, contentType: nil, userMetadata: metadata, version: state.lastVersion)
        }
    }

    func note(_ options: CallOptions) {
        state.withLock { $0.lastTimeout = options.timeout }
    }

    func find(_ uri: BlobURI) throws(BlobError) -> Blob {
        guard let blob = blob(uri.description) else {
            throw BlobError(.notFound, "no such blob", uri: uri, origin: .backend)
        }
        return blob
    }

    func metadata(_ blob: Blob) -> BlobMetadata {
        BlobMetadata(
            byteCount: UInt64(blob.bytes.count), etag: "\"\(blob.version)\"",
            lastModified: Timestamp(milliseconds: 0), contentType: blob.contentType,
            userMetadata: blob.userMetadata)
    }

    /// Stores `blob` when `condition` allows it.
    func store(
        _ uri: BlobURI, _ blob: Blob, _ condition: WriteCondition
    ) throws(BlobError) -> PutResult {
        try state.withLock { (state) throws(BlobError) in
            let present = state.blobs[uri.description]
            switch condition {
            case .overwrite: break
            case .createOnly:
                guard present == nil else {
                    throw BlobError(.alreadyExists, "the blob exists", uri: uri)
                }
            case .ifMatch(let etag):
                guard let present, "\"\(present.version)\"" == etag else {
                    throw BlobError(.preconditionFailed, "another version is there", uri: uri)
                }
            }
            state.lastVersion += 1
            var blob = blob
            blob.version = state.lastVersion
            state.blobs[uri.description] = blob
            return PutResult(etag: "\"\(blob.version)\"", byteCount: UInt64(blob.bytes.count))
        }
    }

    func collect(_ body: BlobBody) async throws(BlobError) -> [UInt8] {
        let source = body.makeSource()
        var bytes: [UInt8] = []
        while let next = try await source.next() { bytes += Array(next) }
        if let byteCount = body.byteCount, byteCount != UInt64(bytes.count) {
            throw BlobError(.invalidArgument, "the body has another size than announced")
        }
        return bytes
    }

    func upload(_ upload: MultipartUpload) throws(BlobError) -> [UInt32: [UInt8]] {
        guard let parts = state.withLock({ $0.uploads[upload.uploadID] }) else {
            throw BlobError(.uploadNotFound, "no such upload", uri: upload.uri)
        }
        return parts
    }

    /// Hands out slices of an array.
    final class Chunks: ChunkSource {
        let position = Mutex(0)
        let isCancelled = Mutex(false)
        let bytes: [UInt8]
        let range: Range<UInt64>
        let store: MemoryStore

        init(bytes: [UInt8], range: Range<UInt64>, store: MemoryStore) {
            (self.bytes, self.range, self.store) = (bytes, range, store)
        }

        func next() async throws(BlobError) -> BlobChunk? {
            let start = position.withLock { $0 }
            if let limit = store.failsReadingAfter, start >= limit {
                throw BlobError(.connectionLost, "the connection ended")
            }
            let first = Int(range.lowerBound) + start
            let last = min(first + store.chunkByteCount, Int(range.upperBound))
            guard first < last else { return nil }
            position.withLock { $0 = start + last - first }
            return BlobChunk(offset: UInt64(first), bytes: Bytes(Array(bytes[first..<last])))
        }

        func cancel() { isCancelled.withLock { $0 = true } }
    }
}
