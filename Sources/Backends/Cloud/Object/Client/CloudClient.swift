internal import Backends
internal import BlobCore
internal import LinuxIO

/// Sends requests to a service: has them addressed and signed, classifies and repeats.
final class CloudClient: Sendable {
    let service: any CloudService
    let engines: HTTPEnginePool
    let concurrency = CloudConcurrency()
    private let policy: RetryPolicy
    private let timeouts: CloudTimeouts
    private let budget = RetryBudget()

    init(
        service: any CloudService, engines: HTTPEnginePool, policy: RetryPolicy,
        timeouts: CloudTimeouts
    ) {
        self.service = service
        self.engines = engines
        self.policy = policy
        self.timeouts = timeouts
    }

    /// Ends the connections. Requests that run fail with `shuttingDown`.
    func close() async {
        service.close()
        await engines.closeAndWait()
    }

    // MARK: Requests

    /// Sends `request` until it succeeds or there is no point in going on, and reads the answer.
    func reply(
        _ request: CloudRequest, maximumByteCount: Int = 64 << 10, deadline: CallDeadline
    ) async throws(CloudFailure) -> CloudReply {
        var progress = progress(of: request, deadline)
        while true {
            let failure: CloudFailure
            var attempt: (any CloudAttempt)?
            do throws(CloudFailure) {
                let permit = try await concurrency.enter(request.uri.container)
                defer { permit.release() }
                let response = try await send(request, &attempt, deadline)
                let reply = try await collect(response, request, attempt, maximumByteCount)
                succeeded(request)
                return reply
            } catch {
                failure = error
            }
            try await pause(after: failure, request, attempt, &progress)
        }
    }

    /// As `reply`, but leaves the body to be read: for blobs.
    func open(
        _ request: CloudRequest, deadline: CallDeadline
    ) async throws(CloudFailure) -> HTTPResponse {
        var progress = progress(of: request, deadline)
        while true {
            let failure: CloudFailure
            var attempt: (any CloudAttempt)?
            do throws(CloudFailure) {
                let permit = try await concurrency.enter(request.uri.container)
                defer { permit.release() }
                let response = try await send(request, &attempt, deadline)
                guard (200..<300).contains(response.status) else {
                    throw await refusal(response, request, attempt)
                }
                succeeded(request)
                return response
            } catch {
                failure = error
            }
            try await pause(after: failure, request, attempt, &progress)
        }
    }

    /// How often `request` may be made, also when it is a body that broke off and begins again.
    func progress(of request: CloudRequest, _ deadline: CallDeadline) -> CloudProgress {
        CloudProgress(request, policy: policy, budget: budget, deadline: deadline)
    }

    private func succeeded(_ request: CloudRequest) {
        budget.noteSuccess()
        concurrency.succeeded(request.uri.container)
    }

    // MARK: One attempt

    private func send(
        _ request: CloudRequest, _ attempt: inout (any CloudAttempt)?, _ deadline: CallDeadline
    ) async throws(CloudFailure) -> HTTPResponse {
        let current: any CloudAttempt
        do throws(BlobError) {
            try deadline.check()
            current = try await service.attempt(request)
        } catch {
            throw CloudFailure(error)
        }
        attempt = current
        var http = HTTPRequest(request.method, current.url)
        http.headers = current.headers
        http.body = request.body.http
        http.timeouts = request.takesLong ? timeouts.long : timeouts.usual
        http.receiveWindow = request.receiveWindow
        http.expectsContinue = request.expectsContinue
        do throws(HTTPFailure) {
            return try await engines.engine().send(http)
        } catch {
            throw CloudFailure(error, request: request)
        }
    }

    private func collect(
        _ response: HTTPResponse, _ request: CloudRequest, _ attempt: (any CloudAttempt)?,
        _ maximumByteCount: Int
    ) async throws(CloudFailure) -> CloudReply {
        guard request.isAnswered(by: response.status) else {
            throw await refusal(response, request, attempt)
        }
        let body: Bytes
        do throws(HTTPFailure) {
            body = try await response.collect(maximumByteCount: maximumByteCount)
        } catch {
            throw CloudFailure(error, request: request)
        }
        let reply = CloudReply(
            status: response.status, headers: response.headers, body: body,
            document: request.expectsDocument
                ? try Self.document(body, request) : XMLElement(name: ""))
        // S3-10: by the root element, never by a search that a key's name could answer.
        if reply.document.name == "Error" {
            let refusal = CloudRefusal(
                status: reply.status, headers: reply.headers, document: reply.document,
                isLate: true)
            throw CloudFailure(refusal, request: request, service: service)
        }
        return reply
    }

    /// CM-11: what was cut off or garbled on the way may come whole the next time; what is meant to
    /// do harm comes again.
    private static func document(
        _ body: Bytes, _ request: CloudRequest
    ) throws(CloudFailure) -> XMLElement {
        do throws(XMLFailure) {
            return try XMLElement(
                parsing: body, maximumElementCount: request.maximumElementCount)
        } catch {
            var failure = CloudFailure.nonsense(request, "with XML that is \(error)")
            if error == .forbidden || error == .tooLarge { failure.retry = nil }
            throw failure
        }
    }

    /// What a response says that is no success.
    private func refusal(
        _ response: HTTPResponse, _ request: CloudRequest, _ attempt: (any CloudAttempt)?
    ) async -> CloudFailure {
        var refusal = CloudRefusal(status: response.status, headers: response.headers)
        let hasCode = service.complaint(refusal).code != nil
        if request.method != .head {
            let isVague = !hasCode && Self.vagueStatuses.contains(response.status)
            do throws(HTTPFailure) {
                let body = try await response.collect(maximumByteCount: Self.maximumErrorByteCount)
                do throws(XMLFailure) {
                    refusal.document = try XMLElement(parsing: body)
                } catch {
                    if isVague, error == .truncated, !body.isEmpty {
                        return .nonsense(request, "HTTP \(response.status) with half a reason")
                    }
                }
            } catch {
                response.cancel()
                if isVague, error.kind != .responseTooLarge {
                    return CloudFailure(error, request: request)
                }
            }
        }
        var failure = CloudFailure(refusal, request: request, service: service)
        if refusal.document == nil, !hasCode, failure.correction == nil, let attempt {
            failure.correction = attempt.likelyCorrection(failure)
        }
        return failure
    }

    private static let maximumErrorByteCount = 64 << 10
    /// Those that say little without a code: what is missing may be the blob or its container
    /// (CM-09).
    private static let vagueStatuses: Set = [400, 403, 404, 409]

    // MARK: Between attempts

    /// Waits until the next attempt may begin, or throws the failure that it ends with.
    private func pause(
        after failure: CloudFailure, _ request: CloudRequest, _ attempt: (any CloudAttempt)?,
        _ progress: inout CloudProgress
    ) async throws(CloudFailure) {
        if failure.retry == .throttled { concurrency.throttled(request.uri.container) }
        if let correction = failure.correction, let attempt, progress.mayCorrect(correction),
            attempt.correct(correction, failure)
        {
            return
        }
        let delay = try progress.delay(after: failure)
        do {
            try await engines.sleep(for: delay)
        } catch {
            throw CloudFailure(BlobError.cancelled)
        }
    }
}
