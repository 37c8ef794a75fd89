internal import BlobCore
internal import BlobWire
internal import LinuxIO

/// One call from its making to its answer. Belongs to its connection: once made, only that actor
/// touches it.
final class PendingCall {
    let operation: BlobOperation
    /// Where the bytes of the response go, for operations that have any.
    let responseBody: InboundBody?
    var deadline: TimerToken?
    /// Why the call is over before the answer's last byte.
    private(set) var failure: BlobError?
    private(set) var hasAnswer = false
    /// Resumed exactly once, with the response or the reason why there is none.
    private var answer: ClientConnection.Answer?
    /// The sender of the request's body, waiting for room or for the call to be sent.
    private var writeWaiter: UnsafeContinuation<Void, Never>?

    /// Zero until the call was sent.
    var streamID: UInt32 = 0 {
        didSet { stream?.streamID = streamID }
    }

    private let stream: StreamReference?

    init(
        operation: BlobOperation, responseBody: InboundBody? = nil,
        stream: StreamReference? = nil
    ) {
        self.operation = operation
        self.responseBody = responseBody
        self.stream = stream
    }

    /// Whether bytes of the request's body are still wanted.
    var takesBody: Bool { failure == nil && !hasAnswer }

    /// Names who waits for the answer; it may be there already.
    func wait(_ answer: ClientConnection.Answer) {
        if let failure {
            answer.resume(returning: .failure(failure))
        } else {
            self.answer = answer
        }
    }

    func resume(_ response: BlobResponse) {
        hasAnswer = true
        if let answer {
            self.answer = nil
            if case .failure(let error) = response {
                answer.resume(returning: .failure(error))
            } else {
                answer.resume(returning: .success(response))
            }
        }
        resumeWriter()
    }

    /// - Returns: How many received bytes nobody will take.
    func fail(_ error: BlobError) -> Int {
        if failure == nil { failure = error }
        let dropped = responseBody?.fail(error) ?? 0
        if let answer {
            self.answer = nil
            answer.resume(returning: .failure(error))
        }
        resumeWriter()
        return dropped
    }

    func wait(toWrite waiter: UnsafeContinuation<Void, Never>) {
        writeWaiter = waiter
    }

    func resumeWriter() {
        guard let waiter = writeWaiter else { return }
        writeWaiter = nil
        waiter.resume()
    }
}
