import BlobCore
import Synchronization
import TestKit

/// A body in pieces, that may wait for an event or fail on the way.
final class PieceSource: ByteSource {
    private let state: Mutex<Bytes>
    private let pieceByteCount: Int
    private let failure: BlobError?
    private let gate: Event?
    /// Happens when the transfer lets go of the source.
    let isReleased: Event

    init(
        _ bytes: Bytes, pieceByteCount: Int = 64 << 10, failure: BlobError? = nil,
        gate: Event? = nil, isReleased: Event = Event()
    ) {
        state = Mutex(bytes)
        self.pieceByteCount = pieceByteCount
        self.failure = failure
        self.gate = gate
        self.isReleased = isReleased
    }

    deinit { isReleased.signal() }

    func next() async throws(BlobError) -> Bytes? {
        let piece = state.withLock { rest in
            defer { rest = rest.dropFirst(pieceByteCount) }
            return rest.prefix(pieceByteCount)
        }
        if !piece.isEmpty { return piece }
        do {
            try await gate?.wait()
        } catch {
            throw .cancelled
        }
        if let failure { throw failure }
        return nil
    }
}
