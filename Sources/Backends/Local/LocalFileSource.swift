public import BlobCore
internal import CFileShims
internal import Glibc
internal import Synchronization

/// Reads an open file range after range: from the page cache on the caller's thread, from the disk
/// on the blocking pool.
public final class LocalFileSource: ChunkSource {
    /// The most bytes of one chunk.
    static let maximumChunkByteCount = 256 << 10

    private struct State {
        var rangeIndex = 0
        /// The bytes of the current range that were delivered.
        var deliveredByteCount: UInt64 = 0
        var isEnded = false
        var usesCache = true
    }

    /// The open file and what is read of it, for `sendfile`.
    public let fileRegions: FileRegions
    let uri: BlobURI
    let hops: PoolHops
    private let state: Mutex<State>

    init(uri: BlobURI, fileRegions: FileRegions, hops: PoolHops, usesCache: Bool) {
        self.uri = uri
        self.fileRegions = fileRegions
        self.hops = hops
        var state = State()
        state.usesCache = usesCache
        self.state = Mutex(state)
    }

    /// The same file, unread, under the name that the callers of a mount know.
    func renamed(_ uri: BlobURI) -> LocalFileSource {
        LocalFileSource(
            uri: uri, fileRegions: fileRegions, hops: hops,
            usesCache: state.withLock { $0.usesCache })
    }

    /// The next chunk; nil after the last, once the file was found unchanged.
    ///
    /// - Throws: `objectChanged` when another program wrote into the file or cut it off.
    public func next() async throws(BlobError) -> BlobChunk? {
        if Task.isCancelled { throw BlobError.cancelled.on(uri) }
        guard let (piece, usesCache) = nextPiece() else { return try end() }
        let offset = piece.lowerBound
        let byteCount = Int(piece.upperBound - piece.lowerBound)
        if usesCache {
            let (bytes, outcome) = Self.read(
                fileRegions.descriptor, offset, byteCount, with: cfile_read_cached)
            // Fewer bytes than asked for are a chunk like any other; the rest is the next one.
            if outcome > 0 { return deliver(bytes, at: offset) }
            if outcome == 0 { throw changed() }
            if outcome == -Int(EOPNOTSUPP) { state.withLock { $0.usesCache = false } }
        }
        let descriptor = fileRegions.descriptor
        let bytes = try await hops.run(on: uri) { () throws(BlobError) in
            let (bytes, outcome) = Self.read(descriptor, offset, byteCount, with: cfile_read)
            try FileFailure.check(outcome, "reading", .read)
            return bytes
        }
        guard !bytes.isEmpty else { throw changed() }
        return deliver(bytes, at: offset)
    }

    /// Gives the rest up.
    public func cancel() {
        state.withLock { $0.isEnded = true }
    }

    private func nextPiece() -> (piece: Range<UInt64>, usesCache: Bool)? {
        let regions = fileRegions.regions
        return state.withLock { state in
            guard !state.isEnded else { return nil }
            while state.rangeIndex < regions.count {
                let region = regions[state.rangeIndex]
                let start = region.lowerBound + state.deliveredByteCount
                if start < region.upperBound {
                    let byteCount = min(
                        region.upperBound - start, UInt64(Self.maximumChunkByteCount))
                    return (start..<(start + byteCount), state.usesCache)
                }
                state.rangeIndex += 1
                state.deliveredByteCount = 0
            }
            return nil
        }
    }

    private func deliver(_ bytes: Bytes, at offset: UInt64) -> BlobChunk {
        state.withLock { $0.deliveredByteCount += UInt64(bytes.count) }
        return BlobChunk(offset: offset, bytes: bytes)
    }

    /// The fstat of an open local file is answered from memory: no hop for it.
    private func end() throws(BlobError) -> BlobChunk? {
        let wasEnded = state.withLock { state in
            defer { state.isEnded = true }
            return state.isEnded
        }
        guard !wasEnded, !fileRegions.regions.allSatisfy(\.isEmpty) else { return nil }
        do {
            try fileRegions.verifyUnchanged()
        } catch {
            throw error.on(uri)
        }
        return nil
    }

    private func changed() -> BlobError {
        cancel()
        return FileRegions.changed.on(uri)
    }

    private static func read(
        _ descriptor: SharedDescriptor, _ offset: UInt64, _ byteCount: Int,
        with call: (Int32, UnsafeMutableRawPointer?, Int, UInt64) -> Int
    ) -> (bytes: Bytes, outcome: Int) {
        var outcome = 0
        let bytes = Bytes(capacity: byteCount) { target in
            outcome = call(descriptor.rawValue, target.baseAddress, target.count, offset)
            return max(0, outcome)
        }
        return (bytes, outcome)
    }
}
