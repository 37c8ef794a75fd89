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
        var credentials: (any AWSCredentialSource)?
        var regions: S3Regions
        var commonHeaders: [HTTPHeaders.Field]
        var policy: RetryPolicy
        var clock: WallClock
    }

    let parts: Parts
    let signer = SigV4Signer(cache: SigningKeyCache())
    private let budget = RetryBudget()
    private let concurrency: S3Concurrency
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

    // MARK: Requests

    /// Sends `request` until it succeeds or there is no point in going on, and reads the answer.
    func reply(
        _ request: S3Request, maximumByteCount: Int = 64 << 10, deadline: CallDeadline
    ) async throws(S3Failure) -> S3Reply {
        var progress = S3Progress(
            request, policy: parts.policy, budget: budget, deadline: deadline)
        while true {
            let failure: S3Failure
            var credentials: AWSCredentials?
            do throws(S3Failure) {
                let permit = try await concurrency.enter(request.bucket)
                defer { permit.release() }
                let response = try await send(request, &credentials, deadline)
                let reply = try await collect(
                    response, request, maximumByteCount, progress.isAmbiguous)
                succeeded(request)
                return reply
            } catch {
                failure = error
            }
            try await pause(after: failure, request, credentials, &progress)
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
            var credentials: AWSCredentials?
            do throws(S3Failure) {
                let permit = try await concurrency.enter(request.bucket)
                defer { permit.release() }
                let response = try await send(request, &credentials, deadline)
                guard (200..<300).contains(response.status) else {
                    throw await refusal(response, request)
                }
                succeeded(request)
                return response
            } catch {
                failure = error
            }
            try await pause(after: failure, request, credentials, &progress)
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
        _ request: S3Request, _ credentials: inout AWSCredentials?, _ deadline: CallDeadline
    ) async throws(S3Failure) -> HTTPResponse {
        let region: String
        let http: HTTPRequest
        do throws(BlobError) {
            try deadline.check()
            credentials = try await parts.credentials?.credentials()
            region = try await parts.regions.region(of: request.bucket, now: .now)
            http = try signed(request, credentials, region)
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
        _ request: S3Request, _ credentials: AWSCredentials?, _ region: String
    ) throws(BlobError) -> HTTPRequest {
        let address = try parts.endpoint.address(bucket: request.bucket, region: region)
        let encodedPath =
            request.key.isEmpty && !address.path.isEmpty
            ? address.path : address.encodedPath(key: request.key)
        var http = HTTPRequest(request.method, address.origin + encodedPath)
        if !request.query.isEmpty { http.url += "?" + SigV4.canonicalQuery(request.query) }
        http.headers = request.headers
        for field in parts.commonHeaders { http.headers.append(field.name, field.value) }
        http.body = request.body.http
        http.timeouts = request.timeouts
        http.receiveWindow = request.receiveWindow
        http.expectsContinue = request.expectsContinue
        guard let credentials else { return http }
        let unsigned = SigV4Request(
            method: request.method.rawValue, host: address.host, encodedPath: encodedPath,
            query: request.query,
            headers: http.headers.fields.map { (name: $0.name, value: $0.value) },
            payloadHash: request.body.payloadHash)
        let fields = try signer.authorization(
            unsigned, credentials: credentials, region: region, at: now)
        for field in fields { http.headers.append(field.name, field.value) }
        return http
    }

    private func collect(
        _ response: HTTPResponse, _ request: S3Request, _ maximumByteCount: Int,
        _ followsAmbiguousAttempt: Bool
    ) async throws(S3Failure) -> S3Reply {
        guard (200..<300).contains(response.status) else {
            throw await refusal(response, request)
        }
        let body: Bytes
        do throws(HTTPFailure) {
            body = try await response.collect(maximumByteCount: maximumByteCount)
        } catch {
            throw S3Failure(error, request: request)
        }
        let reply = S3Reply(
            status: response.status, headers: response.headers, body: body,
            followsAmbiguousAttempt: followsAmbiguousAttempt)
        // S3-10: by the root element, never by a search that a key's name could answer.
        if request.mayFailLate, !body.isEmpty {
            let document = try reply.document(request)
            if document.name == "Error" {
                var failure = S3Failure(
                    status: 500, headers: response.headers, document: document, request: request)
                failure.isAmbiguous = false
                throw failure
            }
        }
        return reply
    }

    /// What a response says that is no success.
    private func refusal(_ response: HTTPResponse, _ request: S3Request) async -> S3Failure {
        var document: XMLElement?
        if request.method != .head {
            do {
                let body = try await response.collect(maximumByteCount: Self.maximumErrorByteCount)
                document = try XMLElement(parsing: body)
            } catch {
                // The status tells enough; what is left of the body is not worth a wait.
                response.cancel()
            }
        }
        return S3Failure(
            status: response.status, headers: response.headers, document: document,
            request: request)
    }

    private static let maximumErrorByteCount = 64 << 10

    // MARK: Between attempts

    /// Waits until the next attempt may begin, or throws the failure that it ends with.
    private func pause(
        after failure: S3Failure, _ request: S3Request, _ credentials: AWSCredentials?,
        _ progress: inout S3Progress
    ) async throws(S3Failure) {
        if failure.retry == .throttled { concurrency.throttled(request.bucket) }
        if let correction = failure.correction, progress.mayCorrect(correction),
            await correct(correction, failure, request, credentials)
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

    /// Puts right what the service complained about; false when that is not possible.
    private func correct(
        _ correction: S3ErrorRule.Correction, _ failure: S3Failure, _ request: S3Request,
        _ credentials: AWSCredentials?
    ) async -> Bool {
        switch correction {
        case .clockSkew:
            guard let serverTime = failure.serverTime else { return false }
            let offset = serverTime.milliseconds &- parts.clock.now().milliseconds
            clockOffset.store(offset, ordering: .relaxed)
            return true
        case .credentials:
            guard let source = parts.credentials, let credentials else { return false }
            source.invalidate(credentials)
            return true
        case .region:
            // One hop, and never to where the answer came from (S3-07).
            guard let region = failure.region,
                let asked = try? await parts.regions.region(of: request.bucket, now: .now),
                region != asked
            else { return false }
            parts.regions.learn(region, of: request.bucket, now: .now)
            return true
        }
    }
}
