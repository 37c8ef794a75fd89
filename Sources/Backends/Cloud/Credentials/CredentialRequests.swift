internal import BlobCore

/// Sends requests for credentials, a few times if need be.
struct CredentialRequests: Sendable {
    /// No document of credentials comes near this.
    static let maximumResponseByteCount = 256 << 10
    private static let attemptCount = 3

    let http: any CredentialHTTP
    /// Between two attempts; doubles each time. Zero in tests.
    var pause = Duration.milliseconds(200)

    /// The reply, which may have any status. Tries again after a failure on the way and after a
    /// status that asks for it.
    func send(_ request: HTTPRequest) async throws(CredentialFailure) -> CredentialHTTPReply {
        var attempt = 1
        while true {
            let isLast = attempt == Self.attemptCount
            do throws(HTTPFailure) {
                let reply = try await http.exchange(
                    request, maximumResponseByteCount: Self.maximumResponseByteCount)
                if isLast || !Self.asksForAnother(reply.status) { return reply }
            } catch {
                if isLast || !Self.isWorthAnother(error.kind) { throw Self.failure(of: error) }
            }
            guard await wait(attempt) else {
                throw CredentialFailure("the fetch was cancelled", isTransient: true)
            }
            attempt += 1
        }
    }

    /// False when the task was cancelled.
    private func wait(_ attempt: Int) async -> Bool {
        if pause > .zero {
            let longest = pause * (1 << (attempt - 1))
            try? await Task.sleep(for: longest * Double.random(in: 0.5...1))
        }
        return !Task.isCancelled
    }

    static func asksForAnother(_ status: Int) -> Bool {
        status == 408 || status == 429 || (500...599).contains(status)
    }

    private static func isWorthAnother(_ kind: HTTPFailure.Kind) -> Bool {
        switch kind {
        case .connect, .firstByteTimeout, .stalled, .connectionLost, .nameNotResolved,
            .malformedResponse, .tls(isCertificate: false):
            true
        default: false
        }
    }

    private static func failure(of failure: HTTPFailure) -> CredentialFailure {
        switch failure.kind {
        case .tls(isCertificate: true), .responseTooLarge, .engine:
            CredentialFailure(failure.message)
        default: CredentialFailure(failure.message, isTransient: true)
        }
    }
}
