public import BlobCore
internal import Synchronization

/// Bytes that follow from a seed, so that any torn or mixed blob is found: the seed stands in front,
/// and every byte depends on it and on its place.
public struct SeededBody: Sendable {
    /// What the bytes follow from.
    public let seed: UInt64
    /// How many there are; at least 8.
    public let byteCount: Int

    /// A body of `byteCount` bytes.
    public init(seed: UInt64, byteCount: Int) {
        self.seed = seed
        self.byteCount = max(8, byteCount)
    }

    /// The bytes at `range`, which begins at a multiple of 8.
    public func bytes(_ range: Range<Int>) -> Bytes {
        // In words: these bodies are made by the hundred megabytes in unoptimised tests.
        var words: [UInt64] = []
        words.reserveCapacity(range.count / 8 + 1)
        var position = UInt64(range.lowerBound)
        while position < UInt64(range.upperBound) {
            words.append(position == 0 ? seed : (seed &+ position) &* 0x9E37_79B9_7F4A_7C15)
            position += 8
        }
        return words.withUnsafeBytes { raw in
            Bytes(copying: UnsafeRawBufferPointer(rebasing: raw[..<range.count]))
        }
    }

    /// All bytes.
    public var bytes: Bytes { bytes(0..<byteCount) }

    /// The seed of a body that is whole; nil for anything else.
    public static func seed(of bytes: Bytes, byteCount: (UInt64) -> Int) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        let seed = bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        let expected = SeededBody(seed: seed, byteCount: byteCount(seed))
        return expected.bytes == bytes ? seed : nil
    }

    /// The body in pieces.
    public func source(
        pieceByteCount: Int, onPiece: @escaping @Sendable () -> Void = {}
    ) -> any ByteSource {
        PieceSource(body: self, pieceByteCount: pieceByteCount, onPiece: onPiece)
    }
}

private final class PieceSource: ByteSource {
    private let body: SeededBody
    private let pieceByteCount: Int
    private let onPiece: @Sendable () -> Void
    private let offset = Mutex(0)

    init(body: SeededBody, pieceByteCount: Int, onPiece: @escaping @Sendable () -> Void) {
        self.body = body
        self.pieceByteCount = pieceByteCount
        self.onPiece = onPiece
    }

    func next() async throws(BlobError) -> Bytes? {
        let range = offset.withLock { offset in
            let start = offset
            offset = min(start + pieceByteCount, body.byteCount)
            return start..<offset
        }
        guard !range.isEmpty else { return nil }
        onPiece()
        return body.bytes(range)
    }
}
