internal import BlobCore
internal import Synchronization

/// Between the loop, which puts in the head and the pieces of a response, and the task that takes
/// them, on whatever thread. Taking a piece that is there needs no hop.
final class ResponseMailbox: Sendable {
    typealias HeadWaiter = UnsafeContinuation<Result<HTTPResponseHead, HTTPFailure>, Never>
    typealias PieceResult = Result<Bytes?, HTTPFailure>
    typealias PieceWaiter = UnsafeContinuation<PieceResult, Never>

    private struct State {
        var head: HTTPResponseHead?
        var headWaiter: HeadWaiter?
        var pieceWaiter: PieceWaiter?
        var pieces = BytesQueue()
        /// Whether the transfer was told to pause until the consumer has taken enough.
        var isFull = false
        /// Nil in success: the body is complete.
        var end: HTTPFailure??
    }

    private let state = Mutex(State())
    private let windowByteCount: Int

    init(windowByteCount: Int) {
        self.windowByteCount = windowByteCount
    }

    // MARK: The consumer

    /// Whether the exchange has not ended already; otherwise the waiter is resumed.
    func awaitHead(_ waiter: HeadWaiter) -> Bool {
        let failure = state.withLock { state -> HTTPFailure? in
            if let end = state.end { return end ?? .endWithoutHead }
            state.headWaiter = waiter
            return nil
        }
        guard let failure else { return true }
        waiter.resume(returning: .failure(failure))
        return false
    }

    /// What is there, or nil when the consumer has to wait. `mustResume`: the transfer waits for
    /// the consumer and may go on.
    func take() -> (result: PieceResult?, mustResume: Bool) {
        state.withLock { state in Self.take(from: &state, window: windowByteCount) }
    }

    /// Leaves a waiter, unless there is something to take.
    func awaitPiece(_ waiter: PieceWaiter) -> (isWaiting: Bool, mustResume: Bool) {
        let (result, mustResume) = state.withLock { state -> (PieceResult?, Bool) in
            let taken = Self.take(from: &state, window: windowByteCount)
            if taken.result != nil { return taken }
            guard state.pieceWaiter == nil else {
                let failure = HTTPFailure(.engine, "a response has one consumer at a time")
                return (.failure(failure), false)
            }
            state.pieceWaiter = waiter
            return (nil, taken.mustResume)
        }
        if let result { waiter.resume(returning: result) }
        return (result == nil, mustResume)
    }

    private static func take(
        from state: inout State, window: Int
    ) -> (result: PieceResult?, mustResume: Bool) {
        if let piece = state.pieces.popFirst() {
            // Half a window between pause and go keeps the transfer from stopping at every piece.
            let mustResume = state.isFull && state.pieces.byteCount <= window / 2
            if mustResume { state.isFull = false }
            return (.success(piece), mustResume)
        }
        switch state.end {
        case .some(.some(let failure)): return (.failure(failure), false)
        case .some(.none): return (.success(nil), false)
        case .none: return (nil, false)
        }
    }

    // MARK: The loop

    var hasEnded: Bool { state.withLock { $0.end != nil } }

    var waitingByteCount: Int { state.withLock { $0.pieces.byteCount } }

    var isConsumerWaiting: Bool { state.withLock { $0.pieceWaiter != nil } }

    func deliver(head: HTTPResponseHead) {
        let waiter = state.withLock { $0.headWaiter.take() }
        waiter?.resume(returning: .success(head))
    }

    /// Whether the window is full now: the transfer has to pause.
    func deliver(_ piece: Bytes) -> Bool {
        let (waiter, isFull) = state.withLock { state -> (PieceWaiter?, Bool) in
            guard state.end == nil else { return (nil, false) }
            if let waiter = state.pieceWaiter.take() { return (waiter, false) }
            state.pieces.append(piece)
            state.isFull = state.pieces.byteCount >= windowByteCount
            return (nil, state.isFull)
        }
        waiter?.resume(returning: .success(piece))
        return isFull
    }

    /// Nothing comes after this. Only the first call counts; whether this was it.
    ///
    /// - Parameter dropsPieces: Whether what was not taken yet is let go.
    @discardableResult
    func end(_ failure: HTTPFailure?, dropsPieces: Bool = false) -> Bool {
        let (isFirst, head, piece) = state.withLock { state -> (Bool, HeadWaiter?, PieceWaiter?) in
            guard state.end == nil else {
                if dropsPieces { state.pieces = BytesQueue() }
                return (false, nil, nil)
            }
            state.end = .some(failure)
            if dropsPieces { state.pieces = BytesQueue() }
            return (true, state.headWaiter.take(), state.pieceWaiter.take())
        }
        head?.resume(returning: .failure(failure ?? .endWithoutHead))
        if let failure {
            piece?.resume(returning: .failure(failure))
        } else {
            piece?.resume(returning: .success(nil))
        }
        return isFirst
    }
}

extension HTTPFailure {
    fileprivate static let endWithoutHead = HTTPFailure(
        .malformedResponse, "the response has no head", mayHaveBeenSent: true)
}
