internal import BlobCore

/// What an error of a service means for the caller and for the next attempt.
struct CloudErrorRule: Sendable {
    var code: BlobError.Code
    /// What a person reads; says what to do.
    var advice: String
    var retry: RetryReason?
    var correction: CloudCorrection?

    init(
        _ code: BlobError.Code, _ advice: String, retry: RetryReason? = nil,
        correction: CloudCorrection? = nil
    ) {
        self.code = code
        self.advice = advice
        self.retry = retry
        self.correction = correction
    }
}

/// What all errors of a service mean.
struct CloudErrorRules: Sendable {
    private var byCode: [String: CloudErrorRule] = [:]
    private var byStatus = CloudErrorRule.byStatus
    /// For a container that is missing, in the service's own word for it.
    let noContainer: CloudErrorRule
    /// For a redirection, which is never followed blindly (CM-10).
    private let redirection: CloudErrorRule

    init(noContainer: String, redirection: CloudErrorRule) {
        self.noContainer = CloudErrorRule(.containerNotFound, noContainer)
        self.redirection = redirection
    }

    /// What these codes of the service mean.
    mutating func add(_ rule: CloudErrorRule, _ codes: String...) {
        for code in codes { byCode[code] = rule }
    }

    /// What a status means without a known code, where that is not the usual.
    mutating func add(_ rule: CloudErrorRule, status: Int) {
        byStatus[status] = rule
    }

    /// The rule for a service's error code, and without a known one for the status.
    func rule(code: String?, status: Int) -> CloudErrorRule {
        if let code, let rule = byCode[code] { return rule }
        if let rule = byStatus[status] { return rule }
        if (300..<400).contains(status) { return redirection }
        if status >= 500 { return .unavailable }
        return CloudErrorRule(.other, "the service refused for a reason unknown to this server")
    }
}

/// What most services have a code for.
extension CloudErrorRule {
    static let unavailable = CloudErrorRule(
        .backendUnavailable, "the service failed on its side", retry: .transient)
    static let throttled = CloudErrorRule(
        .backendThrottled, "the service asks to slow down", retry: .throttled)
    static let slow = CloudErrorRule(
        .backendUnavailable, "the service waited too long for the request", retry: .timeout)
    static let skewed = CloudErrorRule(
        .backendAuthentication, "the clock of this machine is wrong", correction: .clockSkew)
    static let expired = CloudErrorRule(
        .backendAuthentication, "the server's credentials have expired", correction: .credentials)
    static let unknownCredentials = CloudErrorRule(
        .backendAuthentication, "the service does not know the server's credentials")
    static let forbidden = CloudErrorRule(
        .permissionDenied, "the server's credentials do not allow it")
    static let noBlob = CloudErrorRule(.notFound, "there is no such blob")
    static let noUpload = CloudErrorRule(
        .uploadNotFound, "there is no such upload; it was completed or given up")
    static let damaged = CloudErrorRule(
        .checksumMismatch, "the bytes were damaged on the way; nothing was stored",
        retry: .transient)
    static let invalidPart = CloudErrorRule(
        .multipart, "a part is missing, was replaced or has another entity tag than given")
    static let tooLarge = CloudErrorRule(.tooLarge, "larger than the service accepts")
    static let invalid = CloudErrorRule(
        .invalidArgument, "the service does not accept an argument")
    static let invalidName = CloudErrorRule(
        .invalidURI, "the service does not accept this name")
    static let unsupported = CloudErrorRule(
        .unsupportedOperation, "the service has no such operation or option")
    static let archived = CloudErrorRule(
        .unsupportedOperation, "the blob is archived; restore it before reading it")
    static let condition = CloudErrorRule(
        .preconditionFailed, "the blob does not have the entity tag asked for")
    static let range = CloudErrorRule(
        .rangeNotSatisfiable, "the range starts past the end of the blob")
    static let notModified = CloudErrorRule(
        .notModified, "the blob still has the entity tag given")
    static let conflict = CloudErrorRule(
        .conflict, "another write is under way", retry: .transient)
    static let full = CloudErrorRule(.noSpace, "the store is full")

    fileprivate static let byStatus: [Int: CloudErrorRule] = [
        304: notModified, 400: invalid, 401: unknownCredentials, 403: forbidden, 404: noBlob,
        405: unsupported, 408: unavailable, 409: conflict, 412: condition, 413: tooLarge,
        416: range, 429: throttled, 501: unsupported, 503: throttled, 507: full,
    ]
}
