internal import BlobCore
internal import CCurlShims
internal import LinuxIO

/// Sends HTTP requests from one event loop: its connections, name cache and TLS sessions live on
/// that loop's thread, so no lock and no hop lies between a socket and a task of the loop.
final class HTTPEngine: Sendable {
    let loop: EventLoop
    private let core: HTTPEngineCore

    /// libcurl's own set-up, once in the process; `static let` runs it under a lock.
    private static let globalResult = ccurl_global_init()

    /// May be called on any thread.
    init(loop: EventLoop, settings: HTTPEngineSettings) throws(HTTPFailure) {
        guard Self.globalResult == 0 else {
            throw HTTPFailure(.engine, "libcurl cannot be initialised")
        }
        self.loop = loop
        core = try HTTPEngineCore(loop: loop, settings: settings)
    }

    deinit { close() }

    /// Sends the request; returns when the head of the response is complete. From any task.
    ///
    /// Cancelling the task ends the exchange at once.
    func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse {
        let prepared = try PreparedRequest(request)
        if case .stream(let source, byteCount: 0) = request.body { try await Self.drain(source) }
        let exchange = HTTPExchange(prepared, core: core)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                // The unsafe kind: the mailbox resumes it exactly once, when the head or the end
                // of the exchange comes, whichever is first.
                guard exchange.mailbox.awaitHead(continuation) else { return }
                core.onLoop { core in core.start(exchange) }
            }
        } onCancel: {
            exchange.cancel()
        }
        return HTTPResponse(head: try result.get(), exchange: exchange)
    }

    /// A request with an empty body is complete with its head: its source has to agree before
    /// (CM-15).
    private static func drain(_ source: any ByteSource) async throws(HTTPFailure) {
        let piece: Bytes?
        do throws(BlobError) {
            piece = try await source.next()
        } catch {
            throw HTTPFailure(.body(error), "the source of the body failed")
        }
        guard piece == nil else {
            throw HTTPFailure(
                .bodyLength, "the source of the body gives more than the declared length")
        }
    }

    /// Ends running exchanges and later ones with `shutDown`. Idempotent, from any thread.
    func close() {
        core.onLoop { core in core.close() }
    }

    /// ``close()``, then waits until the connections are gone.
    func closeAndWait() async {
        // The unsafe kind: a loop runs every job that it is given.
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            core.onLoop { core in
                core.close()
                continuation.resume()
            }
        }
    }
}
