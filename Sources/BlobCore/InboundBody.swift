internal import Synchronization

/// A body as it arrives over a connection: the connection puts pieces in, one consumer takes them
/// out.
///
/// The connection never waits: the peer sends only what credit allows, so the queue is bounded by
/// the stream's window. Credit is granted again as the consumer takes pieces; `onConsumed` says so.
package final class InboundBody: ByteSource {
    /// Bytes with the place in the blob where the frame said they belong.
    package struct Piece: Sendable {
        package let bytes: Bytes
        package let offset: UInt64?
    }

    private typealias Waiter = CheckedContinuation<Result<Piece?, BlobError>, Never>

    private struct State: ~Copyable {
        var pieces: [Piece] = []
        var head = 0
        /// Small pieces that came one after the other and nobody has taken yet. They are merged, so
        /// that a peer that sends single bytes cannot make their bookkeeping outgrow its credit.
        var small = BytesBuilder()
        var isWhole = false
        var failure: BlobError?
        var waiter: Waiter?
        var waitingSince: ContinuousClock.Instant?
        var unreportedByteCount = 0
    }

    private let state = Mutex(State())
    private let reportByteCount: Int
    private let onConsumed: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - reportByteCount: Taken bytes are reported in lots of this size, and always before the
    ///     consumer waits: a report may cost a wake of another thread.
    ///   - onConsumed: Told how many bytes the consumer took, on the consumer's thread.
    package init(reportByteCount: Int = 1, onConsumed: @escaping @Sendable (Int) -> Void) {
        self.reportByteCount = reportByteCount
        self.onConsumed = onConsumed
    }

    /// Since when the consumer has been waiting for the peer; nil while it is not.
    package var waitingSince: ContinuousClock.Instant? {
        state.withLock { $0.waitingSince }
    }

    /// Takes bytes that came.
    ///
    /// - Returns: How many of them nobody will ever take, for the caller to grant again.
    package func append(_ bytes: Bytes, offset: UInt64? = nil, isLast: Bool) -> Int {
        let piece = bytes.isEmpty ? nil : Piece(bytes: bytes, offset: offset)
        let (waiter, dropped) = state.withLock { state -> (Waiter?, Int) in
            guard state.failure == nil else { return (nil, bytes.count) }
            state.isWhole = isLast
            guard let waiter = state.waiter, piece != nil || isLast else {
                return (nil, piece.map { Self.queue($0, &state) } ?? 0)
            }
            state.waiter = nil
            state.waitingSince = nil
            return (waiter, 0)
        }
        waiter?.resume(returning: .success(piece))
        return dropped
    }

    /// Ends the body with `error`: the consumer sees it at its next step.
    ///
    /// - Returns: How many bytes nobody will ever take, for the caller to grant again.
    package func fail(_ error: BlobError) -> Int {
        let (waiter, dropped) = state.withLock { state -> (Waiter?, Int) in
            if state.failure == nil { state.failure = error }
            let dropped = Self.drop(&state)
            state.waitingSince = nil
            defer { state.waiter = nil }
            return (state.waiter, dropped)
        }
        waiter?.resume(returning: .failure(error))
        return dropped
    }

    package func next() async throws(BlobError) -> Bytes? {
        try await nextPiece()?.bytes
    }

    /// The next piece; nil after the last.
    package func nextPiece() async throws(BlobError) -> Piece? {
        let ready = state.withLock { Self.take(&$0) }
        guard let ready else { return try await wait() }
        return try report(try ready.get())
    }

    private func wait() async throws(BlobError) -> Piece? {
        let unreported = state.withLock { state in
            defer { state.unreportedByteCount = 0 }
            return state.unreportedByteCount
        }
        if unreported > 0 { onConsumed(unreported) }
        let result = await withCheckedContinuation { (waiter: Waiter) in
            let ready = state.withLock { state -> Result<Piece?, BlobError>? in
                if let ready = Self.take(&state) { return ready }
                precondition(state.waiter == nil, "a body has one consumer")
                state.waiter = waiter
                state.waitingSince = .now
                return nil
            }
            if let ready { waiter.resume(returning: ready) }
        }
        return try report(try result.get())
    }

    private func report(_ piece: Piece?) throws(BlobError) -> Piece? {
        let due = state.withLock { state in
            state.unreportedByteCount += piece?.bytes.count ?? 0
            let isAtEnd = piece == nil || state.failure != nil
            guard isAtEnd || state.unreportedByteCount >= reportByteCount else { return 0 }
            defer { state.unreportedByteCount = 0 }
            return state.unreportedByteCount
        }
        if due > 0 { onConsumed(due) }
        return piece
    }

    /// Pieces below this size are merged while they wait.
    private static let smallByteCount = 4 << 10
    /// Merged pieces grow to about this size.
    private static let mergedByteCount = 64 << 10
    /// Pieces that wait. Those that say where they belong are not merged, so that their number, too,
    /// has a limit: credit alone would let single bytes cost a hundred times what they are.
    package static let maximumPieceCount = 16_384

    /// - Returns: How many bytes nobody will take: all, when there are too many pieces.
    private static func queue(_ piece: Piece, _ state: inout State) -> Int {
        guard state.pieces.count - state.head < maximumPieceCount else {
            state.failure = BlobError(
                .badFrame, "more than \(maximumPieceCount) pieces of a body wait to be read")
            return piece.bytes.count + drop(&state)
        }
        guard piece.offset == nil, piece.bytes.count < smallByteCount else {
            queueSmall(&state)
            state.pieces.append(piece)
            return 0
        }
        state.small.append(piece.bytes)
        if state.small.count >= mergedByteCount { queueSmall(&state) }
        return 0
    }

    /// Forgets what waits; returns how many bytes that, and what was not reported yet, are.
    private static func drop(_ state: inout State) -> Int {
        queueSmall(&state)
        let byteCount = state.pieces[state.head...].reduce(state.unreportedByteCount) {
            $0 + $1.bytes.count
        }
        state.pieces.removeAll()
        state.head = 0
        state.unreportedByteCount = 0
        return byteCount
    }

    private static func queueSmall(_ state: inout State) {
        guard state.small.count > 0 else { return }
        var merged = BytesBuilder()
        swap(&merged, &state.small)
        state.pieces.append(Piece(bytes: merged.freeze(), offset: nil))
    }

    private static func take(_ state: inout State) -> Result<Piece?, BlobError>? {
        if let failure = state.failure { return .failure(failure) }
        if state.head == state.pieces.count { queueSmall(&state) }
        if state.head < state.pieces.count {
            let piece = state.pieces[state.head]
            state.head += 1
            if state.head == state.pieces.count {
                state.pieces.removeAll(keepingCapacity: true)
                state.head = 0
            }
            return .success(piece)
        }
        return state.isWhole ? .success(nil) : nil
    }
}
