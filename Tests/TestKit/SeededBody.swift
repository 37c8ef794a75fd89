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

    /// The bytes at `range`.
    public func bytes(_ range: Range<Int>) -> Bytes {
        Bytes(capacity: range.count) { target in
            for (index, position) in range.enumerated() { target[index] = byte(at: position) }
            return range.count
        }
    }

    /// All bytes.
    public var bytes: Bytes { bytes(0..<byteCount) }

    private func byte(at position: Int) -> UInt8 {
        if position < 8 { return UInt8(truncatingIfNeeded: seed >> (8 * UInt64(position))) }
        let mixed = (seed &+ UInt64(position)) &* 0x9E37_79B9_7F4A_7C15
        return UInt8(truncatingIfNeeded: mixed >> 32)
    }

    /// The seed of a body that is whole; nil for anything else.
    public static func seed(of bytes: Bytes, byteCount: (UInt64) -> Int) -> UInt64? {
        guard bytes.count >= 8 else { return nil }
        let seed = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
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
