internal import BlobCore
internal import BlobWire
internal import LinuxIO

/// A response and where its body arrives.
struct CallResult {
    let response: BlobResponse
    /// Nil for an operation whose response has none.
    let body: InboundBody?
    let handle: CallHandle
    let connection: ClientConnection
}

extension BlobClient {
    /// Makes a call without bodies.
    func call(
        _ arguments: BlobRequest.Arguments, options: CallOptions
    ) async throws(BlobError) -> BlobResponse {
        try await perform(arguments, body: nil, options: options).response
    }

    /// Makes a call, again when that is safe (rule W-61).
    func perform(
        _ arguments: BlobRequest.Arguments, body: BlobBody?, options: CallOptions
    ) async throws(BlobError) -> CallResult {
        let configuration = connector.configuration
        let request = BlobRequest(arguments, timeout: options.timeout)
        let deadline = options.timeout.map { ContinuousClock.now + $0 }
        var attemptCount = 1
        var pause = configuration.reconnectPause
        while true {
            let failure: BlobError
            do throws(BlobError) {
                return try await attempt(request, body: body, deadline: deadline)
            } catch {
                failure = error
            }
            guard attemptCount < configuration.maximumAttemptCount, !Task.isCancelled,
                Self.mayRepeat(failure, request.operation, body),
                deadline.map({ ContinuousClock.now + pause < $0 }) ?? true
            else { throw failure }
            attemptCount += 1
            do {
                try await loop.sleep(for: pause * Double.random(in: 0.5...1))
            } catch {
                throw BlobError.cancelled
            }
            pause = min(pause * 2, configuration.maximumReconnectPause)
        }
    }

    /// Whether the call certainly had no effect, or has the same effect twice. A stream that was
    /// begun cannot be read again, so such a call is repeated only by its caller.
    private static func mayRepeat(
        _ error: BlobError, _ operation: BlobOperation, _ body: BlobBody?
    ) -> Bool {
        if case .stream = body { return false }
        switch error.retry {
        case .notStarted: return true
        case .callerDecides: return error.code == .connectionLost && operation.isIdempotent
        default: return false
        }
    }

    private func attempt(
        _ request: BlobRequest, body: BlobBody?, deadline: ContinuousClock.Instant?
    ) async throws(BlobError) -> CallResult {
        let connection = try await connector.connection(deadline: deadline)
        var request = request
        if let deadline {
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                throw BlobError(
                    .deadlineExceeded, "the time limit passed before the call was sent",
                    origin: .client)
            }
            request.timeout = left
        }
        let payload = try request.encodedPayload()
        let stream = request.operation.hasResponseBody ? StreamReference() : nil
        let responseBody = stream.map { makeBody(of: $0, on: connection) }
        let handle = CallHandle(
            loop: loop,
            PendingCall(
                operation: request.operation, responseBody: responseBody, stream: stream))
        let response: BlobResponse
        if Self.form(of: body) == .follows {
            async let _ = Self.send(body, on: connection, handle)
            response = try await connection.perform(
                handle, payload: payload, body: .follows, timeout: request.timeout)
        } else {
            response = try await connection.perform(
                handle, payload: payload, body: Self.form(of: body), timeout: request.timeout)
        }
        return CallResult(
            response: response, body: responseBody, handle: handle, connection: connection)
    }

    private func makeBody(
        of stream: StreamReference, on connection: ClientConnection
    ) -> InboundBody {
        let window = Int(connector.configuration.limits.streamCreditByteCount)
        return InboundBody(reportByteCount: window / 8) { byteCount in
            connection.onLoop { $0.consumed(byteCount, of: stream) }
        }
    }

    private static func form(of body: BlobBody?) -> RequestBodyForm {
        switch body {
        case nil: .none
        case .bytes(let bytes)?: bytes.isEmpty ? .empty : .follows
        case .stream?: .follows
        }
    }

    /// Sends the request's body while the call waits for its answer. It runs where the caller runs,
    /// so a source that blocks does not hold up other calls.
    private static func send(
        _ body: BlobBody?, on connection: ClientConnection, _ handle: CallHandle
    ) async {
        guard let body else { return }
        let source = body.makeSource()
        do throws(BlobError) {
            while let bytes = try await source.next() {
                guard await connection.send(bytes, of: handle) else { return }
            }
            await connection.finishBody(of: handle)
        } catch {
            // The server must not take what came so far for the whole.
            connection.giveUp(handle, error)
        }
    }
}
