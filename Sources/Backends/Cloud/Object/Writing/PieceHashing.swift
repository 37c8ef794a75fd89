internal import Backends
internal import BlobCore
internal import LinuxIO

/// Computes over the bytes of a request where it holds up nobody.
enum PieceHashing {
    static func run<Value: Sendable>(
        over pieces: [Bytes], on pool: BlockingPool, _ uri: BlobURI,
        _ compute: @escaping @Sendable ([Bytes]) throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        let byteCount = pieces.reduce(0) { $0 + $1.count }
        // A hop to another thread and back costs more than hashing this much.
        if byteCount <= inlineByteCount { return try compute(pieces) }
        return try await PoolHops(pool: pool).run(on: uri) { () throws(BlobError) in
            try compute(pieces)
        }
    }

    private static let inlineByteCount = 64 << 10
}
