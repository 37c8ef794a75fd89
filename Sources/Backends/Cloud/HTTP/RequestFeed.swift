internal import BlobCore

/// Gives the body of a request to libcurl. Loop thread only, but for what a type says otherwise.
protocol RequestFeed: AnyObject, Sendable {
    /// Fills the front of `target`.
    func read(into target: UnsafeMutableRawBufferPointer) -> RequestFeedResult
    /// Begins again; false when that is not possible.
    func rewind() -> Bool
    /// The exchange runs: begins to pull. `wake` says that a starved transfer may go on, `fail`
    /// that the body cannot be completed; both may be called on any thread.
    func start(
        wake: @escaping @Sendable () -> Void, fail: @escaping @Sendable (HTTPFailure) -> Void)
    /// The exchange is over: lets go of the source.
    func stop()
}

/// What a feed has for libcurl.
enum RequestFeedResult {
    case bytes(Int)
    /// Nothing yet.
    case starved
    /// Nothing any more.
    case failed
}

/// Bytes at hand. They can be sent again when libcurl finds a reused connection dead.
final class BytesFeed: RequestFeed, @unchecked Sendable {
    // @unchecked: made by the sending task, then touched on the loop thread only.
    private let pieces: [Bytes]
    private var queue = BytesQueue()

    init(_ pieces: [Bytes]) {
        self.pieces = pieces
        _ = rewind()
    }

    func read(into target: UnsafeMutableRawBufferPointer) -> RequestFeedResult {
        let count = queue.read(into: target)
        return count > 0 ? .bytes(count) : .failed
    }

    func rewind() -> Bool {
        queue = BytesQueue()
        for piece in pieces where !piece.isEmpty { queue.append(piece) }
        return true
    }

    func start(
        wake: @escaping @Sendable () -> Void, fail: @escaping @Sendable (HTTPFailure) -> Void
    ) {}

    func stop() { queue = BytesQueue() }
}
