internal import BlobCore
internal import CCurlShims
internal import LinuxIO

/// One request and its response on their way through an engine.
///
/// `@unchecked Sendable`: the loop's part is touched on the loop thread only; the mailbox and the
/// feed lock by themselves.
final class HTTPExchange: @unchecked Sendable {
    let request: PreparedRequest
    let mailbox: ResponseMailbox
    let feed: (any RequestFeed)?
    let core: HTTPEngineCore

    // MARK: Loop thread only

    /// The handle that carries the exchange, from its start to its end.
    var transfer: UnsafeMutablePointer<ccurl_transfer>?
    var timer: TimerToken?
    var watch: TransferWatch
    /// Set when a callback breaks the transfer itself: libcurl then reports only that it was broken.
    var failure: HTTPFailure?
    var head: HTTPResponseHead?
    /// The piece that libcurl's callback fills.
    private var piece: BytesBuilder?
    private let pieceByteCount: Int

    /// A waiting consumer gets a piece that is not full from this size on.
    private static let earlyPieceByteCount = 64 << 10

    init(_ request: PreparedRequest, core: HTTPEngineCore) {
        self.request = request
        self.core = core
        pieceByteCount = min(max(request.receiveWindow.pieceByteCount, 1), 64 << 20)
        mailbox = ResponseMailbox(
            windowByteCount: max(request.receiveWindow.byteCount, pieceByteCount))
        watch = TransferWatch(timeouts: request.timeouts)
        feed =
            switch request.body {
            case .none: nil
            case .bytes(let pieces): BytesFeed(pieces)
            case .stream(let source, let byteCount):
                StreamFeed(source, byteCount: byteCount, loop: core.loop)
            }
    }

    // MARK: The consumer, on any thread

    func cancel() {
        guard !mailbox.hasEnded else { return }
        core.onLoop { [self] core in
            core.fail(self, HTTPFailure(.cancelled, "the exchange was cancelled"))
        }
    }

    func takePiece() -> ResponseMailbox.PieceResult? {
        let (result, mustResume) = mailbox.take()
        if mustResume { resumeReceiving() }
        return result
    }

    func awaitPiece(_ waiter: ResponseMailbox.PieceWaiter) {
        let (isWaiting, mustResume) = mailbox.awaitPiece(waiter)
        if mustResume { resumeReceiving() }
        // What libcurl has left in an unfinished piece is worth a look, but not worth a hop.
        if isWaiting, core.loop.isCurrent { core.onLoop { [self] _ in handOver() } }
    }

    private func resumeReceiving() {
        core.onLoop { [self] core in core.resumeReceiving(self) }
    }

    // MARK: Pieces, on the loop thread

    /// Gives the piece that is being filled to the consumer, if it is full or awaited.
    func handOver() {
        guard let transfer else { return }
        let count = transfer.pointee.piece_count
        guard count > 0 else { return }
        let isFull = count == transfer.pointee.piece_capacity
        guard isFull || (count >= Self.earlyPieceByteCount && mailbox.isConsumerWaiting) else {
            return
        }
        deliverPiece()
    }

    /// Gives whatever is there of the current piece to the consumer.
    func deliverPiece() {
        guard let transfer else { return }
        let count = transfer.pointee.piece_count
        transfer.pointee.piece = nil
        transfer.pointee.piece_capacity = 0
        transfer.pointee.piece_count = 0
        guard var filled = piece.take(), count > 0 else { return }
        filled.advance(by: count)
        if mailbox.deliver(filled.freeze()) { transfer.pointee.must_pause = 1 }
    }

    /// For the callback, which has no room left: whether it may go on.
    func makePiece() -> Bool {
        guard let transfer else { return false }
        deliverPiece()
        var builder = BytesBuilder(capacity: nextPieceByteCount(transfer))
        // The pointer stays good until the piece is taken: the memory of a builder moves only when
        // it grows, and nothing is appended meanwhile.
        let (address, count) = builder.withUnsafeRoom { room in
            (room.baseAddress.map { UInt(bitPattern: $0) }, room.count)
        }
        guard let address, count > 0 else { return false }
        transfer.pointee.piece = UnsafeMutablePointer(bitPattern: address)
        transfer.pointee.piece_capacity = count
        piece = consume builder
        return true
    }

    func dropPiece() { piece = nil }

    /// A small body gets memory of its own size; all else gets the common size, which is reused.
    private func nextPieceByteCount(_ transfer: UnsafeMutablePointer<ccurl_transfer>) -> Int {
        let length = ccurl_transfer_content_length(transfer)
        let received = Int64(clamping: transfer.pointee.received_count)
        guard length > received else { return pieceByteCount }
        let rest = length - received
        return rest < min(pieceByteCount, Self.earlyPieceByteCount) ? Int(rest) : pieceByteCount
    }
}
