internal import Backends
internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// Sends requests to the service: addresses, signs, classifies and repeats.
final class S3Client: Sendable {
    /// What the client was put together from.
    struct Parts: Sendable {
        var endpoint: S3Endpoint
        var engines: HTTPEnginePool
        /// Nil: requests are not signed.
        var credentials: (any CredentialSource<AWSCredentials>)?
        var regions: S3Regions
        var commonHeaders: [HTTPHeaders.Field]
        var policy: RetryPolicy
        var clock: WallClock
        var timeouts = S3Timeouts()
    }

    let parts: Parts
    let signer = SigV4Signer(cache: SigningKeyCache())
    private let budget = RetryBudget()
    let concurrency: S3Concurrency
    /// How far the service's clock is ahead of ours, in milliseconds (S3-17).
    private let clockOffset = Atomic<Int64>(0)

    init(_ parts: Parts) {
        self.parts = parts
        concurrency = S3Concurrency()
    }

    /// The time by the service's clock.
    var now: Timestamp {
        let offset = clockOffset.load(ordering: .relaxed)
        return Timestamp(milliseconds: parts.clock.now().milliseconds &+ offset)
    }

    /// Later signatures say what the service says the time is.
    func learnTime(_ serverTime: Timestamp) {
        let offset = serverTime.milliseconds &- parts.clock.now().milliseconds
        clockOffset.store(offset, ordering: .relaxed)
    }

    // MARK: Requests

    /// Sends `request` until it succeeds or there is no point in going on, and reads the answer.
    func reply(
        _ request: S3Request, maximumByteCount: Int = 64 << 10, deadline: CallDeadline
    ) async throws(S3Failure) -> S3Reply {
        var progress = S3Progress(
            request, policy: parts.policy, budget: budget, deadline: deadline)
        while true {
            let failure: S3Failure
            var attempt: S3Attempt?
            do throws(S3Failure) {
                let permit = try await concurrency.enter(request.bucket)
                defer { permit.release() }
                let response = try await send(request, &attempt, deadline)
                let reply = try await collect(
                    response, request, attempt, maximumByteCount)
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
        _ request: S3Request, deadline: CallDeadline
    ) async throws(S3Failure) -> HTTPResponse {
        var progress = S3Progress(
            request, policy: parts.policy, budget: budget, deadline: deadline)
        while true {
            let failure: S3Failure
            var attempt: S3Attempt?
            do throws(S3Failure) {
                let permit = try await concurrency.enter(request.bucket)
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

    /// For a body that broke off: how often it may begin again.
    func progress(_ reader: S3RangeReader) -> S3Progress {
        S3Progress(
            S3Request(.get, reader.uri, "reading the blob"), policy: parts.policy,
            budget: budget, deadline: reader.deadline)
    }

    private func succeeded(_ request: S3Request) {
        budget.noteSuccess()
        concurrency.succeeded(request.bucket)
    }

    // MARK: One attempt

    private func send(
        _ request: S3Request, _ attempt: inout S3Attempt?, _ deadline: CallDeadline
    ) async throws(S3Failure) -> HTTPResponse {
        let http: HTTPRequest
        do throws(BlobError) {
            try deadline.check()
            // CM-07: anew for every attempt.
            let credentials = try await parts.credentials?.credentials()
            let region = try await parts.regions.region(of: request.bucket, now: .now)
            let current = S3Attempt(region: region, credentials: credentials, time: now)
            attempt = current
            http = try signed(request, current)
        } catch {
            throw S3Failure(error)
        }
        do throws(HTTPFailure) {
            return try await parts.engines.engine().send(http)
        } catch {
            throw S3Failure(error, request: request)
        }
    }

    private func signed(
        _ request: S3Request, _ attempt: S3Attempt
    ) throws(BlobError) -> HTTPRequest {
        let address = try parts.endpoint.address(bucket: request.bucket, region: attempt.region)
        let encodedPath =
            request.key.isEmpty && !address.path.isEmpty
            ? address.path : address.encodedPath(key: request.key)
        var http = HTTPRequest(request.method, address.origin + encodedPath)
        if !request.query.isEmpty { http.url += "?" + SigV4.canonicalQuery(request.query) }
        http.headers = request.headers
        for field in parts.commonHeaders { http.headers.append(field.name, field.value) }
        http.body = request.body.http
        http.timeouts = request.takesLong ? parts.timeouts.long : parts.timeouts.usual
        http.receiveWindow = request.receiveWindow
        http.expectsContinue = request.expectsContinue
        guard let credentials = attempt.credentials else { return http }
        let unsigned = SigV4Request(
            method: request.method.rawValue, host: address.host, encodedPath: encodedPath,
            query: request.query,
            headers: http.headers.fields.map { (name: $0.name, value: $0.value) },
            payloadHash: request.body.payloadHash)
        let fields = try signer.authorization(
            unsigned, credentials: credentials, region: attempt.region, at: attempt.time)
        for field in fields { http.headers.append(field.name, field.value) }
        return http
    }

    private func collect(
        _ response: HTTPResponse, _ request: S3Request, _ attempt: S3Attempt?,
        _ maximumByteCount: Int
    ) async throws(S3Failure) -> S3Reply {
        guard (200..<300).contains(response.status) else {
            throw await refusal(response, request, attempt)
        }
        let body: Bytes
        do throws(HTTPFailure) {
            body = try await response.collect(maximumByteCount: maximumByteCount)
        } catch {
            throw S3Failure(error, request: request)
        }
        let reply = S3Reply(
            status: response.status, headers: response.headers,
            document: request.expectsDocument
                ? try Self.document(body, request) : XMLElement(name: ""))
        // S3-10: by the root element, never by a search that a key's name could answer.
        if reply.document.name == "Error" {
            throw S3Failure(
                status: response.status, headers: response.headers, document: reply.document,
                isLate: true, request: request)
        }
        return reply
    }

    /// CM-11: what was cut off or garbled on the way may come whole the next time; what is meant to
    /// do harm comes again.
    private static func document(
        _ body: Bytes, _ request: S3Request
    ) throws(S3Failure) -> XMLElement {
        do throws(XMLFailure) {
            return try XMLElement(parsing: body)
        } catch {
            var failure = S3Failure.nonsense(request, "with XML that is \(error)")
            if error == .forbidden || error == .tooLarge { failure.retry = nil }
            throw failure
        }
    }

    /// What a response says that is no success.
    private func refusal(
        _ response: HTTPResponse, _ request: S3Request, _ attempt: S3Attempt?
    ) async -> S3Failure {
        var document: XMLElement?
        if request.method != .head {
            let isVague = Self.vagueStatuses.contains(response.status)
            do throws(HTTPFailure) {
                let body = try await response.collect(maximumByteCount: Self.maximumErrorByteCount)
                do throws(XMLFailure) {
                    document = try XMLElement(parsing: body)
                } catch {
                    if isVague, error == .truncated, !body.isEmpty {
                        return .nonsense(request, "HTTP \(response.status) with half a reason")
                    }
                }
            } catch {
                response.cancel()
                if isVague, error.kind != .responseTooLarge {
                    return S3Failure(error, request: request)
                }
            }
        }
        var failure = S3Failure(
            status: response.status, headers: response.headers, document: document,
            request: request)
        if document == nil, failure.correction == nil, let attempt {
            failure.correction = likelyCorrection(failure, attempt)
        }
        return failure
    }

    private static let maximumErrorByteCount = 64 << 10
    /// Those that say little without a code: what is missing may be the blob or the bucket (CM-09).
    private static let vagueStatuses: Set = [400, 403, 404, 409]

    // MARK: Between attempts

    /// Waits until the next attempt may begin, or throws the failure that it ends with.
    private func pause(
        after failure: S3Failure, _ request: S3Request, _ attempt: S3Attempt?,
        _ progress: inout S3Progress
    ) async throws(S3Failure) {
        if failure.retry == .throttled { concurrency.throttled(request.bucket) }
        if let correction = failure.correction, let attempt, progress.mayCorrect(correction),
            correct(correction, failure, request, attempt)
        {
            return
        }
        let delay = try progress.delay(after: failure)
        do {
            try await parts.engines.sleep(for: delay)
        } catch {
            throw S3Failure(BlobError.cancelled)
        }
    }
}
