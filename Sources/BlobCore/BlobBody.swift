/// Gives the bytes of a body piece by piece, when the consumer asks: that is the back-pressure.
///
/// One consumer at a time calls `next`. A source that is dropped or whose task is cancelled releases
/// what it holds.
public protocol ByteSource: AnyObject, Sendable {
    /// The next bytes, never empty; nil at the end.
    func next() async throws(BlobError) -> Bytes?
}

/// What to write: bytes at hand, or a stream whose length may be unknown.
public enum BlobBody: Sendable {
    /// All bytes at hand.
    case bytes(Bytes)
    /// A stream; when `byteCount` is given, fewer or more bytes are an error and nothing is stored.
    case stream(any ByteSource, byteCount: UInt64?)

    /// The bytes of `array`.
    public init(_ array: [UInt8]) {
        self = .bytes(Bytes(array))
    }

    /// A stream from any sequence of bytes. Errors of the sequence other than `BlobError` end the
    /// write with `cancelled` and nothing is stored.
    public init<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks, byteCount: UInt64? = nil
    ) where Chunks.Element == Bytes {
        self = .stream(SequenceSource(chunks), byteCount: byteCount)
    }

    /// The number of bytes, when known.
    public var byteCount: UInt64? {
        switch self {
        case .bytes(let bytes): UInt64(bytes.count)
        case .stream(_, let byteCount): byteCount
        }
    }

    /// The bytes as a source.
    public func makeSource() -> any ByteSource {
        switch self {
        case .bytes(let bytes): SingleSource(bytes)
        case .stream(let source, _): source
        }
    }
}

/// One piece of a blob being read.
public struct BlobChunk: Sendable, Hashable {
    /// Where the bytes begin in the blob.
    public var offset: UInt64
    /// The bytes, never empty.
    public var bytes: Bytes

    /// A chunk from its parts.
    public init(offset: UInt64, bytes: Bytes) {
        self.offset = offset
        self.bytes = bytes
    }
}

/// Gives the chunks of a blob being read; as `ByteSource`, with offsets.
public protocol ChunkSource: AnyObject, Sendable {
    /// The next chunk; nil after the last, and only once the store has verified what it can.
    func next() async throws(BlobError) -> BlobChunk?
    /// Gives the rest up early and releases what it holds. Idempotent.
    func cancel()
}

/// A blob being read: its metadata, the ranges resolved against its size, and its bytes.
///
/// Iterate it once: `for try await chunk in read { ... }`. Bytes arrive range after range in the
/// order asked, ascending within each.
public struct BlobRead: Sendable {
    /// The metadata of the version being read.
    public var metadata: BlobMetadata
    /// The offsets that are delivered, one per range asked; the whole blob when none was.
    public var ranges: [Range<UInt64>]
    /// The bytes.
    public var source: any ChunkSource

    /// A read from its parts.
    public init(metadata: BlobMetadata, ranges: [Range<UInt64>], source: any ChunkSource) {
        self.metadata = metadata
        self.ranges = ranges
        self.source = source
    }

    /// The number of bytes that all ranges deliver together.
    public var byteCount: UInt64 {
        ranges.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound) }
    }
}

extension BlobRead: AsyncSequence {
    /// Walks the chunks.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: any ChunkSource

        /// The next chunk; nil after the last.
        public mutating func next() async throws(BlobError) -> BlobChunk? {
            try await source.next()
        }

        /// The next chunk; nil after the last. Runs on the caller's actor.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(BlobError) -> BlobChunk? {
            try await source.next()
        }
    }

    /// Begins the one walk over the chunks.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: source)
    }
}

/// One value as a source.
final class SingleSource: ByteSource {
    private let remaining: MutexBox<Bytes?>

    init(_ bytes: Bytes) {
        remaining = MutexBox(bytes.isEmpty ? nil : bytes)
    }

    func next() async throws(BlobError) -> Bytes? {
        remaining.withLock { value in
            defer { value = nil }
            return value
        }
    }
}

/// Any sequence as a source.
///
/// `@unchecked Sendable`: the iterator is touched only inside `next`, which the protocol allows one
/// consumer at a time to call.
final class SequenceSource<Chunks: AsyncSequence & Sendable>: ByteSource, @unchecked Sendable
where Chunks.Element == Bytes {
    private var iterator: Chunks.AsyncIterator

    init(_ chunks: Chunks) {
        iterator = chunks.makeAsyncIterator()
    }

    func next() async throws(BlobError) -> Bytes? {
        do {
            while let bytes = try await iterator.next(isolation: #isolation) {
                if !bytes.isEmpty { return bytes }
            }
            return nil
        } catch let error as BlobError {
            throw error
        } catch {
            throw BlobError(
                .cancelled, "the caller's stream failed: \(type(of: error))", origin: .client)
        }
    }
}
