internal import BlobCore
internal import Synchronization

/// Reads a blob by one call after another, each for a short range of the same version.
///
/// For copies within one store, by hand. Its writer may have to wait for memory behind somebody's larger
/// write, which waits for what was fetched ahead of the reader, who waits for the writer. So short a
/// range is not fetched ahead.
final class SteppedSource: ChunkSource {
    /// No store has smaller parts.
    private static let stepByteCount: UInt64 = 5 << 20

    private struct State {
        var current: (any ChunkSource)?
        var offset: UInt64
        var isCancelled = false
    }

    private let store: any BlobStore
    private let uri: BlobURI
    private let options: GetOptions
    private let byteCount: UInt64
    private let state: Mutex<State>

    /// Begins to read `uri`, the whole of it, with the conditions of `options`.
    static func read(
        _ uri: BlobURI, in store: any BlobStore, options: GetOptions
    ) async throws(BlobError) -> BlobRead {
        var options = options
        options.ranges = [.bounded(start: 0, end: stepByteCount)]
        var read = try await store.read(uri, options: options)
        options.ifMatch = read.metadata.etag
        read.source = SteppedSource(first: read, uri: uri, store: store, options: options)
        read.ranges = [0..<read.metadata.byteCount]
        return read
    }

    private init(first: BlobRead, uri: BlobURI, store: any BlobStore, options: GetOptions) {
        self.store = store
        self.uri = uri
        self.options = options
        byteCount = first.metadata.byteCount
        state = Mutex(State(current: first.source, offset: 0))
    }

    func next() async throws(BlobError) -> BlobChunk? {
        while true {
            let (current, offset) = state.withLock { ($0.current, $0.offset) }
            if let current {
                if let chunk = try await current.next() {
                    state.withLock { $0.offset = chunk.offset &+ UInt64(chunk.bytes.count) }
                    return chunk
                }
                state.withLock { $0.current = nil }
            }
            guard offset < byteCount else { return nil }
            try await step(from: offset)
        }
    }

    func cancel() {
        let current = state.withLock { state in
            state.isCancelled = true
            return state.current.take()
        }
        current?.cancel()
    }

    private func step(from offset: UInt64) async throws(BlobError) {
        if state.withLock(\.isCancelled) { throw BlobError.cancelled.on(uri) }
        var options = options
        options.ranges = [.bounded(start: offset, end: offset + Self.stepByteCount)]
        let read: BlobRead
        do throws(BlobError) {
            read = try await store.read(uri, options: options)
        } catch {
            guard error.code == .preconditionFailed else { throw error }
            throw BlobError(
                .objectChanged, "the blob was replaced while it was read; begin again", uri: uri,
                origin: .backend)
        }
        let isCancelled = state.withLock { state in
            state.current = read.source
            return state.isCancelled
        }
        if isCancelled { read.source.cancel() }
    }
}
