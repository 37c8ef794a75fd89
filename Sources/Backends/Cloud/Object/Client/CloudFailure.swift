internal import BlobCore

/// Why one attempt of a request did not succeed, and what may be done about it.
struct CloudFailure: Error, Sendable {
    /// What the caller is told when it stays at that.
    var error: BlobError
    var retry: RetryReason?
    var retryAfter: Duration?
    var correction: CloudCorrection?
    /// The status of the response; zero when none came.
    var status = 0
    /// Where the container is served instead.
    var location: String?
    /// What the service says the time is.
    var serverTime: Timestamp?
    /// Whether this attempt or one before it may have been acted upon without telling (S3-11,
    /// S3-21).
    var isAmbiguous = false

    init(_ error: BlobError) {
        self.error = error
    }

    /// What a response that is not wanted says.
    init(_ refusal: CloudRefusal, request: CloudRequest, service: any CloudService) {
        let headers = refusal.headers
        let complaint = service.complaint(refusal)
        let code = complaint.code.flatMap(Self.printableCode)
        let rule = service.rules.rule(code: code, status: refusal.isLate ? 500 : refusal.status)
        var said =
            code.map { "\(service.name) says \($0), HTTP \(refusal.status)" }
            ?? "HTTP \(refusal.status)"
        if let identifier = complaint.requestID.flatMap(Self.printableCode) {
            said += ", request \(identifier)"
        }
        var error = BlobError(
            rule.code, "\(request.purpose) failed: \(rule.advice) (\(said))", origin: .backend)
        if rule.code == .rangeNotSatisfiable {
            error.objectByteCount =
                headers["content-range"].flatMap(ContentRange.init)?.size
                ?? complaint.objectByteCount
        }
        self.error = error
        status = refusal.status
        retry = rule.retry
        correction = rule.correction
        // CM-11: half an error document is as good as none.
        serverTime =
            headers["date"].flatMap { Timestamp(httpDate: $0) } ?? complaint.serverTime
        retryAfter =
            complaint.retryAfter
            ?? headers["retry-after"].flatMap { Self.delay($0, from: serverTime) }
        location = complaint.location
        isAmbiguous = status >= 500 || status == 408 || (refusal.isLate && rule.retry != nil)
    }

    /// What a broken exchange means.
    init(_ failure: HTTPFailure, request: CloudRequest) {
        func failed(_ code: BlobError.Code, _ advice: String) -> BlobError {
            BlobError(code, "\(request.purpose) failed: \(advice)", origin: .backend)
        }
        switch failure.kind {
        case .body(let cause): self.init(cause)
        case .bodyLength:
            self.init(
                BlobError(
                    .invalidArgument,
                    "the body has another length than declared; nothing was stored"))
        case .cancelled: self.init(BlobError.cancelled)
        case .shutDown: self.init(BlobError(.shuttingDown, "the server is shutting down"))
        case .engine: self.init(failed(.internal, failure.message))
        case .responseTooLarge:
            self.init(failed(.backendUnavailable, "the answer is longer than it can be"))
        case .tls(isCertificate: true):
            var error = failed(.backendUnavailable, failure.message)
            error.retry = .never
            self.init(error)
        case .firstByteTimeout, .stalled:
            self.init(failed(.backendUnavailable, failure.message))
            retry = .timeout
        case .nameNotResolved, .connect, .tls(isCertificate: false), .proxy, .connectionLost,
            .malformedResponse:
            self.init(failed(.backendUnavailable, failure.message))
            retry = .transient
        }
        isAmbiguous = failure.mayHaveBeenSent
    }

    /// An answer that came whole but makes no sense.
    static func nonsense(_ request: CloudRequest, _ what: String) -> CloudFailure {
        var failure = CloudFailure(
            BlobError(
                .backendUnavailable, "\(request.purpose) failed: the service answered \(what)",
                origin: .backend))
        failure.retry = .transient
        failure.isAmbiguous = true
        return failure
    }

    /// RFC 9110 section 10.2.3: seconds, or a date, which is read by the service's own clock.
    private static func delay(_ text: String, from serverTime: Timestamp?) -> Duration? {
        if let seconds = UInt32(text) { return .seconds(Int64(seconds)) }
        guard let end = Timestamp(httpDate: text), let serverTime else { return nil }
        return .milliseconds(max(0, end.milliseconds &- serverTime.milliseconds))
    }

    /// Codes and identifiers come from outside and end in messages: plain characters only.
    private static func printableCode(_ text: String) -> String? {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D
                || byte == 0x2E || byte == 0x5F
        }
        return isPlain && !text.isEmpty && text.utf8.count <= 64 ? text : nil
    }
}
