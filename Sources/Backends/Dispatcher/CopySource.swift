internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// The bytes of a blob being read, as the body of a put.
///
/// Reads when it is asked, up to a batch: so much and what the two stores hold for one transfer each is
/// all that a copy has in memory. Hashes what it gives (CM-19).
final class CopySource: HashedSource {
    /// What is hashed in one step; a hop to another thread for each chunk would cost more than the hash.
    private static let batchByteCount = 1 << 20

    private struct State {
        /// Hashed and not yet given, in reverse.
        var pieces: [Bytes] = []
        var offset: UInt64 = 0
        var failure: BlobError?
    }

    private let source: any ChunkSource
    private let uri: BlobURI
    private let pool: BlockingPool?
    private let digest: SHA256Digest
    private let state = Mutex(State())

    /// - Parameter pool: Where the bytes are hashed; nil for the thread of the caller.
    init(_ source: any ChunkSource, of uri: BlobURI, pool: BlockingPool?) throws(BlobError) {
        self.source = source
        self.uri = uri
        self.pool = pool
        digest = try SHA256Digest()
    }

    /// Why the source ended early, if it did: whoever was given it may say it in other words.
    var failure: BlobError? { state.withLock { $0.failure } }

    func next() async throws(BlobError) -> Bytes? {
        if let piece = state.withLock({ $0.pieces.popLast() }) { return piece }
        do throws(BlobError) {
            let batch = try await nextBatch()
            try await hash(batch)
            return state.withLock { state in
                state.pieces = batch.reversed()
                return state.pieces.popLast()
            }
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    func sha256() throws(BlobError) -> [UInt8] {
        try digest.finish()
    }

    private func nextBatch() async throws(BlobError) -> [Bytes] {
        var batch: [Bytes] = []
        var byteCount = 0
        while byteCount < Self.batchByteCount, let chunk = try await source.next() {
            let offset = state.withLock { state in
                defer { state.offset &+= UInt64(chunk.bytes.count) }
                return state.offset
            }
            guard chunk.offset == offset else {
                throw BlobError(
                    .dataLoss,
                    "the bytes at \(offset) were asked for and those at \(chunk.offset) came",
                    uri: uri)
            }
            batch.append(chunk.bytes)
            byteCount += chunk.bytes.count
        }
        return batch
    }

    private func hash(_ batch: [Bytes]) async throws(BlobError) {
        guard !batch.isEmpty else { return }
        let digest = digest
        let work = { @Sendable () throws(BlobError) in
            for piece in batch {
                try piece.withUnsafeBytes { bytes throws(BlobError) in try digest.update(bytes) }
            }
        }
        guard let pool else { return try work() }
        try await PoolHops(pool: pool).run(on: uri, work)
    }
}
