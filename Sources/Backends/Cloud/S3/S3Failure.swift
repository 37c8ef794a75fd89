internal import BlobCore

/// Why one attempt of a request did not succeed, and what may be done about it.
struct S3Failure: Error, Sendable {
    /// What the caller is told when it stays at that.
    var error: BlobError
    var retry: RetryReason?
    var retryAfter: Duration?
    var correction: S3ErrorRule.Correction?
    /// The status of the response; zero when none came.
    var status = 0
    /// The region that the service names instead.
    var region: String?
    /// What the service says the time is.
    var serverTime: Timestamp?
    /// Whether this attempt or one before it may have been acted upon without telling (S3-11,
    /// S3-21).
    var isAmbiguous = false

    init(_ error: BlobError) {
        self.error = error
    }

    /// What a response that is not wanted says. `document` is its body, if that is XML; `isLate` when
    /// it came with a status that says success (S3-10).
    init(
        status: Int, headers: HTTPHeaders, document: XMLElement?, isLate: Bool = false,
        request: S3Request
    ) {
        let code = document?.text(of: "Code").flatMap(Self.printableCode)
        let rule = S3ErrorRule.rule(code: code, status: isLate ? 500 : status)
        var said = code.map { "S3 says \($0), HTTP \(status)" } ?? "HTTP \(status)"
        if let identifier = headers["x-amz-request-id"].flatMap(Self.printableCode) {
            said += ", request \(identifier)"
        }
        var error = BlobError(
            rule.code, "\(request.purpose) failed: \(rule.advice) (\(said))", origin: .backend)
        if rule.code == .rangeNotSatisfiable {
            error.objectByteCount =
                headers["content-range"].flatMap(S3ContentRange.init)?.size
                ?? document?.text(of: "ActualObjectSize").flatMap { S3ByteCount.parse($0) }
        }
        self.error = error
        self.status = status
        retry = rule.retry
        correction = rule.correction
        // CM-11: half an error document is as good as none.
        serverTime =
            headers["date"].flatMap { Timestamp(httpDate: $0) }
            ?? document?.text(of: "ServerTime").flatMap { Timestamp(iso8601: $0) }
        retryAfter = headers["retry-after"].flatMap { Self.delay($0, from: serverTime) }
        region =
            (headers["x-amz-bucket-region"] ?? document?.text(of: "Region")
            ?? document?.text(of: "Endpoint").flatMap(Self.region(inHost:)))
            .flatMap { S3Endpoint.isRegionName($0) ? $0 : nil }
        isAmbiguous = status >= 500 || status == 408 || (isLate && rule.retry != nil)
    }

    /// What a broken exchange means.
    init(_ failure: HTTPFailure, request: S3Request) {
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
    static func nonsense(_ request: S3Request, _ what: String) -> S3Failure {
        var failure = S3Failure(
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
                || byte == 0x2E
        }
        return isPlain && !text.isEmpty && text.utf8.count <= 64 ? text : nil
    }

    /// `bucket.s3.eu-west-1.amazonaws.com` and `bucket.s3-eu-west-1.amazonaws.com`.
    private static func region(inHost host: String) -> String? {
        let labels = host.split(separator: ".")
        guard let position = labels.firstIndex(where: { $0 == "s3" || $0.hasPrefix("s3-") }) else {
            return nil
        }
        if labels[position] != "s3" { return String(labels[position].dropFirst(3)) }
        guard labels.indices.contains(position + 1), labels[position + 1] != "amazonaws" else {
            return nil
        }
        return String(labels[position + 1])
    }
}
