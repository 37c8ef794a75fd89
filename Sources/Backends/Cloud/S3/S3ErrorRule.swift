internal import BlobCore

/// What an error of the service means for the caller and for the next attempt.
struct S3ErrorRule: Sendable {
    /// Something to put right before one more attempt, which does not count as one.
    enum Correction: Sendable, Hashable {
        /// S3-17
        case clockSkew
        /// S3-18
        case credentials
        /// S3-07
        case region
    }

    var code: BlobError.Code
    /// What a person reads; says what to do.
    var advice: String
    var retry: RetryReason?
    var correction: Correction?

    init(
        _ code: BlobError.Code, _ advice: String, retry: RetryReason? = nil,
        correction: Correction? = nil
    ) {
        self.code = code
        self.advice = advice
        self.retry = retry
        self.correction = correction
    }

    /// The rule for a service's error code, and without a known one for the status.
    static func rule(code: String?, status: Int) -> S3ErrorRule {
        if let code, let rule = byCode[code] { return rule }
        if let rule = byStatus[status] { return rule }
        if (300..<400).contains(status) {
            return S3ErrorRule(
                .backendUnavailable, "the service redirects elsewhere; check endpoint and region",
                correction: .region)
        }
        if status >= 500 { return unavailable }
        return S3ErrorRule(.other, "the service refused for a reason unknown to this server")
    }

    private static let unavailable = S3ErrorRule(
        .backendUnavailable, "the service failed on its side", retry: .transient)
    private static let throttled = S3ErrorRule(
        .backendThrottled, "the service asks to slow down", retry: .throttled)
    private static let skewed = S3ErrorRule(
        .backendAuthentication, "the clock of this machine is wrong", correction: .clockSkew)
    private static let expired = S3ErrorRule(
        .backendAuthentication, "the server's credentials have expired", correction: .credentials)
    private static let unknownKey = S3ErrorRule(
        .backendAuthentication, "the service does not know the server's credentials")
    private static let elsewhere = S3ErrorRule(
        .backendUnavailable, "the bucket is in another region; set the right one",
        correction: .region)
    private static let damaged = S3ErrorRule(
        .checksumMismatch, "the bytes were damaged on the way; nothing was stored",
        retry: .transient)
    private static let invalidPart = S3ErrorRule(
        .multipart, "a part is missing, was replaced or has another entity tag than given")
    private static let forbidden = S3ErrorRule(
        .permissionDenied,
        "the server's credentials do not allow it, or the blob does not exist and they may not list"
            + " the bucket")
    private static let noKey = S3ErrorRule(.notFound, "there is no such blob")
    private static let tooLarge = S3ErrorRule(.tooLarge, "larger than the service accepts")
    private static let invalid = S3ErrorRule(
        .invalidArgument, "the service does not accept an argument")
    private static let unsupported = S3ErrorRule(
        .unsupportedOperation, "the service has no such operation or option")
    private static let condition = S3ErrorRule(
        .preconditionFailed, "the blob does not have the entity tag asked for")
    private static let range = S3ErrorRule(
        .rangeNotSatisfiable, "the range starts past the end of the blob")

    private static let byStatus: [Int: S3ErrorRule] = [
        304: S3ErrorRule(.notModified, "the blob still has the entity tag given"),
        400: invalid, 401: unknownKey, 403: forbidden, 404: noKey, 405: unsupported,
        408: unavailable,
        409: S3ErrorRule(.conflict, "another write is under way", retry: .transient),
        412: condition, 413: tooLarge, 416: range, 429: throttled, 501: unsupported,
        503: throttled,
        507: S3ErrorRule(.noSpace, "the store is full"),
    ]

    private static let byCode: [String: S3ErrorRule] = {
        var rules: [String: S3ErrorRule] = [:]
        func add(_ rule: S3ErrorRule, _ codes: String...) {
            for code in codes { rules[code] = rule }
        }
        add(noKey, "NoSuchKey", "NoSuchVersion")
        add(
            S3ErrorRule(.containerNotFound, "there is no such bucket"), "NoSuchBucket")
        add(
            S3ErrorRule(.uploadNotFound, "there is no such upload; it was completed or given up"),
            "NoSuchUpload")
        add(forbidden, "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden")
        add(
            unknownKey, "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity",
            "NotSignedUp", "UnauthorizedAccess")
        add(
            expired, "ExpiredToken", "ExpiredTokenException", "InvalidToken",
            "TokenRefreshRequired", "InvalidClientTokenId")
        add(skewed, "RequestTimeTooSkewed", "RequestExpired")
        add(
            elsewhere, "PermanentRedirect", "TemporaryRedirect", "Redirect",
            "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "IncorrectEndpoint")
        add(condition, "PreconditionFailed")
        add(range, "InvalidRange")
        add(
            S3ErrorRule(.conflict, "another write of this blob is under way", retry: .transient),
            "ConditionalRequestConflict", "OperationAborted")
        add(
            S3ErrorRule(.multipart, "a part other than the last is smaller than 5 MiB"),
            "EntityTooSmall")
        add(invalidPart, "InvalidPart", "InvalidPartOrder")
        add(tooLarge, "EntityTooLarge", "MaxMessageLengthExceeded")
        add(
            S3ErrorRule(.tooLarge, "user metadata has at most 2048 bytes"), "MetadataTooLarge")
        add(
            damaged, "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch", "IncompleteBody")
        add(
            throttled, "SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling",
            "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded")
        add(unavailable, "InternalError", "InternalFailure", "ServerBusy")
        add(
            S3ErrorRule(
                .backendUnavailable, "the service waited too long for the request",
                retry: .timeout),
            "RequestTimeout")
        // S3-23
        add(
            S3ErrorRule(
                .unsupportedOperation, "the blob is archived; restore it before reading it"),
            "InvalidObjectState", "ObjectNotInActiveTierError")
        add(
            S3ErrorRule(.invalidURI, "the service does not accept this name"),
            "KeyTooLongError", "InvalidBucketName", "InvalidURI", "InvalidObjectName",
            "XMinioInvalidObjectName")
        add(invalid, "InvalidArgument", "InvalidRequest", "MalformedXML", "InvalidStorageClass")
        add(unsupported, "NotImplemented", "MethodNotAllowed", "UnsupportedOperation")
        add(
            S3ErrorRule(.noSpace, "the store or the account is full"),
            "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage")
        return rules
    }()
}
