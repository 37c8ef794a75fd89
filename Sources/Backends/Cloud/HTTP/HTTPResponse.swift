internal import BlobCore

/// The head of a response and the way to its body. One consumer at a time.
final class HTTPResponse: Sendable {
    let status: Int
    let headers: HTTPHeaders
    private let exchange: HTTPExchange

    init(head: HTTPResponseHead, exchange: HTTPExchange) {
        status = head.status
        headers = head.headers
        self.exchange = exchange
    }

    // A body that nobody reads to its end must not go on, nor its connection serve others (CM-14).
    deinit { exchange.cancel() }

    /// The next bytes of the body, never empty; nil only at its verified end. What came before a
    /// failure is given before the failure.
    ///
    /// The pieces have the size that the request asked for; a shorter one comes at the end, and
    /// when the connection is slower than the consumer.
    func next() async throws(HTTPFailure) -> Bytes? {
        let exchange = exchange
        if let result = exchange.takePiece() { return try result.get() }
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                // The unsafe kind: the mailbox resumes it exactly once.
                exchange.awaitPiece(continuation)
            }
        } onCancel: {
            exchange.cancel()
        }
        return try result.get()
    }

    /// The whole body, if it has no more than so many bytes.
    func collect(maximumByteCount: Int) async throws(HTTPFailure) -> Bytes {
        guard let first = try await next() else { return Bytes() }
        var builder: BytesBuilder?
        var byteCount = first.count
        while byteCount <= maximumByteCount, let piece = try await next() {
            byteCount &+= piece.count
            guard byteCount <= maximumByteCount else { break }
            if builder == nil {
                builder = BytesBuilder(capacity: byteCount)
                builder?.append(first)
            }
            builder?.append(piece)
        }
        guard byteCount <= maximumByteCount else {
            cancel()
            throw HTTPFailure(
                .responseTooLarge, "the response has more than \(maximumByteCount) bytes",
                mayHaveBeenSent: true)
        }
        guard let collected = builder.take() else { return first }
        return collected.freeze()
    }

    /// How much of the body waits to be taken; for tests of the back-pressure.
    var waitingByteCount: Int { exchange.mailbox.waitingByteCount }

    /// Gives the rest of the body up. From any thread, idempotent.
    func cancel() { exchange.cancel() }
}
