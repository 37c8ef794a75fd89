internal import BlobCore

/// Takes a body out of its source in batches for the pool: few hops, bounded memory.
struct BatchReader {
    /// A batch is handed over once it has this many bytes.
    static let targetByteCount = 1 << 20

    private let source: any ByteSource
    private let declaredByteCount: UInt64?
    private var byteCount: UInt64 = 0
    /// Whether the last batch was the end of the body.
    private(set) var hasEnded = false

    init(_ body: BlobBody) {
        source = body.makeSource()
        declaredByteCount = body.byteCount
    }

    /// The next bytes; none at the end.
    ///
    /// - Parameter writer: The batch ends early when this writer is idle: what has arrived is then
    ///   better on its way to the disk.
    /// - Throws: What the source throws; `invalidArgument` when the body is not of the declared
    ///   length (CM-15, W-73).
    mutating func next(
        whileBusy writer: BatchWrite? = nil
    ) async throws(BlobError) -> [Bytes] {
        var batch: [Bytes] = []
        var batchByteCount = 0
        while batchByteCount < Self.targetByteCount {
            guard let bytes = try await source.next() else {
                hasEnded = true
                try checkLength()
                return batch
            }
            batch.append(bytes)
            batchByteCount += bytes.count
            byteCount += UInt64(bytes.count)
            if let declaredByteCount, byteCount > declaredByteCount { throw wrongLength("more") }
            if let writer, writer.isFinished { break }
        }
        return batch
    }

    private func checkLength() throws(BlobError) {
        guard let declaredByteCount, byteCount != declaredByteCount else { return }
        throw wrongLength("only \(byteCount)")
    }

    private func wrongLength(_ actual: String) -> BlobError {
        BlobError(
            .invalidArgument,
            "the body was declared as \(declaredByteCount ?? 0) bytes but has \(actual);"
                + " nothing was stored")
    }
}
