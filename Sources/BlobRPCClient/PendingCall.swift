internal import BlobCore
internal import BlobWire
internal import LinuxIO

/// One call waiting for its answer. Belongs to its connection: only that actor touches it.
final class PendingCall {
    let operation: BlobOperation
    /// Where the bytes of the response go.
    let responseBody: InboundBody
    /// Resumed exactly once, with the response or the reason why there is none.
    private var answer: CheckedContinuation<Result<BlobResponse, BlobError>, Never>?
    /// Zero until the call was sent.
    var streamID: UInt32 = 0
    /// The error of the trailer, or nil when the body is whole.
    var deadline: TimerToken?
    /// The sender of the request's body, waiting for room.
    private var writeWaiter: CheckedContinuation<Void, Never>?
    /// Why the call is over before the answer's last byte.
    private(set) var failure: BlobError?
    private(set) var hasAnswer = false

    init(
        operation: BlobOperation, responseBody: InboundBody,
        answer: CheckedContinuation<Result<BlobResponse, BlobError>, Never>
    ) {
        self.operation = operation
        self.responseBody = responseBody
        self.answer = answer
    }

    func resume(_ response: BlobResponse) {
        hasAnswer = true
        guard let answer else { return }
        self.answer = nil
        if case .failure(let error) = response {
            answer.resume(returning: .failure(error))
        } else {
            answer.resume(returning: .success(response))
        }
        resumeWriter()
    }

    /// - Returns: How many received bytes nobody will take.
    func fail(_ error: BlobError) -> Int {
        if failure == nil { failure = error }
        let dropped = responseBody.fail(error)
        if let answer {
            self.answer = nil
            answer.resume(returning: .failure(error))
        }
        resumeWriter()
        return dropped
    }

    func waitForRoom() async {
        await withCheckedContinuation { writeWaiter = $0 }
    }

    func resumeWriter() {
        guard let waiter = writeWaiter else { return }
        writeWaiter = nil
        waiter.resume()
    }
}
