internal import BlobCore

extension CloudErrorRule {
    /// For a resumable upload that is not there any more.
    static let forgotten = CloudErrorRule(
        .backendUnavailable, "the service has forgotten the upload; write the blob again")
}

extension CloudErrorRules {
    /// What the error codes of Google Cloud Storage mean.
    static let gcs: CloudErrorRules = {
        let forbidden = CloudErrorRule(
            .permissionDenied,
            "the server's credentials do not allow it, or the blob does not exist and they may not"
                + " list the bucket")
        let refusedToken = CloudErrorRule(
            .backendAuthentication, "the service does not accept the server's credentials",
            correction: .credentials)
        var rules = CloudErrorRules(
            noContainer: "there is no such bucket",
            redirection: CloudErrorRule(
                .backendUnavailable, "the service redirects elsewhere; check the endpoint"))
        rules.add(forbidden, status: 403)
        // GC-08, for HEAD has no code.
        rules.add(refusedToken, status: 401)
        rules.add(.noBlob, "NoSuchKey", "NoSuchVersion")
        rules.add(rules.noContainer, "NoSuchBucket")
        rules.add(.noUpload, "NoSuchUpload")
        rules.add(
            forbidden, "AccessDenied", "AccountProblem", "AllAccessDisabled", "UserSuspended",
            "UserProjectAccessDenied")
        rules.add(refusedToken, "AuthenticationRequired", "InvalidSecurity", "ExpiredToken")
        rules.add(.skewed, "RequestTimeTooSkewed")
        rules.add(.condition, "PreconditionFailed")
        rules.add(.range, "InvalidRange")
        rules.add(
            CloudErrorRule(.multipart, "a part other than the last is smaller than 5 MiB"),
            "EntityTooSmall")
        rules.add(.invalidPart, "InvalidPart", "InvalidPartOrder")
        rules.add(.tooLarge, "EntityTooLarge", "MaxMessageLengthExceeded")
        rules.add(
            CloudErrorRule(.tooLarge, "user metadata has at most 8192 bytes"), "MetadataTooLarge")
        rules.add(.damaged, "BadDigest", "InvalidDigest", "CrcMismatch", "IncompleteBody")
        rules.add(
            CloudErrorRule(
                .backendThrottled,
                "the service asks to slow down; one blob takes about one write a second",
                retry: .throttled),
            "SlowDown", "TooManyRequests", "RateLimitExceeded", "rateLimitExceeded")
        rules.add(.throttled, "ServiceUnavailable")
        rules.add(.unavailable, "InternalError", "BackendError")
        rules.add(.slow, "RequestTimeout")
        rules.add(.forgotten, status: 410)
        rules.add(
            CloudErrorRule(
                .invalidArgument, "whoever reads this bucket pays for it; set gcs.userProject"),
            "UserProjectMissing")
        rules.add(
            CloudErrorRule(
                .permissionDenied,
                "the blob is encrypted with a key that only its owner has; set gcs.customerKeyFile"),
            "ResourceIsEncryptedWithCustomerEncryptionKey",
            "CustomerEncryptionKeyIsIncorrect", "ResourceNotEncryptedWithCustomerEncryptionKey")
        rules.add(.invalidName, "KeyTooLong", "InvalidBucketName", "InvalidURI")
        rules.add(
            .invalid, "InvalidArgument", "InvalidRequest", "MalformedXML", "InvalidStorageClass",
            "InvalidQueryParameterValue")
        rules.add(.unsupported, "NotImplemented", "MethodNotAllowed")
        rules.add(
            CloudErrorRule(
                .conflict, "the blob is held by a retention policy or a hold; nothing was changed"),
            "ObjectUnderActiveHold", "RetentionPolicyNotMet")
        return rules
    }()
}
