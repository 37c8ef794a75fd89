internal import BlobCore

extension CloudErrorRules {
    /// What S3's error codes mean.
    static let s3: CloudErrorRules = {
        let forbidden = CloudErrorRule(
            .permissionDenied,
            "the server's credentials do not allow it, or the blob does not exist and they may not"
                + " list the bucket")
        let elsewhere = CloudErrorRule(
            .backendUnavailable, "the bucket is in another region; set the right one",
            correction: .location)
        var rules = CloudErrorRules(
            noContainer: "there is no such bucket",
            redirection: CloudErrorRule(
                .backendUnavailable,
                "the service redirects elsewhere; check endpoint and region",
                correction: .location))
        rules.add(forbidden, status: 403)
        rules.add(.noBlob, "NoSuchKey", "NoSuchVersion")
        rules.add(rules.noContainer, "NoSuchBucket")
        rules.add(.noUpload, "NoSuchUpload")
        rules.add(forbidden, "AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden")
        rules.add(
            .unknownCredentials, "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity",
            "NotSignedUp", "UnauthorizedAccess")
        rules.add(
            .expired, "ExpiredToken", "ExpiredTokenException", "InvalidToken",
            "TokenRefreshRequired", "InvalidClientTokenId")
        rules.add(.skewed, "RequestTimeTooSkewed", "RequestExpired")
        rules.add(
            elsewhere, "PermanentRedirect", "TemporaryRedirect", "Redirect",
            "AuthorizationHeaderMalformed", "IllegalLocationConstraintException",
            "IncorrectEndpoint")
        rules.add(.condition, "PreconditionFailed")
        rules.add(.range, "InvalidRange")
        rules.add(
            CloudErrorRule(
                .conflict, "another write of this blob is under way", retry: .transient),
            "ConditionalRequestConflict", "OperationAborted")
        rules.add(
            CloudErrorRule(.multipart, "a part other than the last is smaller than 5 MiB"),
            "EntityTooSmall")
        rules.add(.invalidPart, "InvalidPart", "InvalidPartOrder")
        rules.add(.tooLarge, "EntityTooLarge", "MaxMessageLengthExceeded")
        rules.add(
            CloudErrorRule(.tooLarge, "user metadata has at most 2048 bytes"), "MetadataTooLarge")
        rules.add(
            .damaged, "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch",
            "XAmzContentChecksumMismatch", "IncompleteBody")
        rules.add(
            .throttled, "SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling",
            "ThrottlingException", "RequestLimitExceeded", "BandwidthLimitExceeded")
        rules.add(.unavailable, "InternalError", "InternalFailure", "ServerBusy")
        rules.add(.slow, "RequestTimeout")
        // S3-23
        rules.add(.archived, "InvalidObjectState", "ObjectNotInActiveTierError")
        rules.add(
            .invalidName, "KeyTooLongError", "InvalidBucketName", "InvalidURI",
            "InvalidObjectName", "XMinioInvalidObjectName")
        rules.add(
            .invalid, "InvalidArgument", "InvalidRequest", "MalformedXML", "InvalidStorageClass")
        rules.add(.unsupported, "NotImplemented", "MethodNotAllowed", "UnsupportedOperation")
        rules.add(
            CloudErrorRule(.noSpace, "the store or the account is full"),
            "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage")
        return rules
    }()
}

extension S3Service {
    func complaint(_ refusal: CloudRefusal) -> CloudComplaint {
        let document = refusal.document
        var complaint = CloudComplaint()
        complaint.code = document?.text(of: "Code")
        complaint.requestID = refusal.headers["x-amz-request-id"]
        complaint.serverTime =
            document?.text(of: "ServerTime").flatMap { Timestamp(iso8601: $0) }
        complaint.objectByteCount =
            document?.text(of: "ActualObjectSize").flatMap { ByteCount.parse($0) }
        complaint.location =
            (refusal.headers["x-amz-bucket-region"] ?? document?.text(of: "Region")
            ?? document?.text(of: "Endpoint").flatMap(Self.region(inHost:)))
            .flatMap { S3Endpoint.isRegionName($0) ? $0 : nil }
        return complaint
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
