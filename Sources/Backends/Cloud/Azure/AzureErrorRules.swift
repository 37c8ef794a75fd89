internal import BlobCore

extension CloudErrorRules {
    /// What Azure's error codes mean (AZ-11, AZ-12, AZ-15).
    static let azure: CloudErrorRules = {
        var rules = CloudErrorRules(
            noContainer: "there is no such container",
            redirection: CloudErrorRule(
                .backendUnavailable, "the service redirects elsewhere; check the Azure endpoint"))
        rules.add(.noBlob, "BlobNotFound")
        rules.add(rules.noContainer, "ContainerNotFound")
        addRefusals(to: &rules)
        addConflicts(to: &rules)
        rules.add(.condition, "ConditionNotMet", "TargetConditionNotMet")
        rules.add(
            CloudErrorRule(
                .objectChanged, "the source was replaced while it was copied; copy it again"),
            "SourceConditionNotMet", "CopySourceConditionNotMet")
        rules.add(.range, "InvalidRange")
        rules.add(.archived, "BlobArchived", "BlobBeingRehydrated")
        rules.add(.damaged, "Md5Mismatch", "Crc64Mismatch")
        rules.add(
            .tooLarge, "RequestBodyTooLarge", "BlockCountExceedsLimit", "BlockListTooLong",
            "BlobOverwriteTooLarge")
        rules.add(
            CloudErrorRule(.tooLarge, "user metadata has at most 8 KiB once encoded"),
            "MetadataTooLarge")
        rules.add(.throttled, "ServerBusy", "TooManyRequests", "AccountRequestRateLimitExceeded")
        rules.add(.unavailable, "InternalError")
        rules.add(.slow, "OperationTimedOut")
        rules.add(.invalidName, "InvalidResourceName", "InvalidUri")
        rules.add(
            .invalid, "InvalidInput", "InvalidHeaderValue", "InvalidQueryParameterValue",
            "InvalidXmlDocument", "InvalidXmlNodeValue", "InvalidMetadata", "EmptyMetadataKey",
            "InvalidMd5", "InvalidBlockId", "OutOfRangeInput", "OutOfRangeQueryParameterValue",
            "MissingRequiredHeader", "MissingRequiredQueryParameter", "UnsupportedHeader",
            "UnsupportedQueryParameter")
        rules.add(
            .unsupported, "UnsupportedHttpVerb", "FeatureNotSupportedForAccount",
            "BlobTypeNotSupported")
        rules.add(
            CloudErrorRule(
                .unsupportedOperation, "the blob is a page or append blob, which is not served"),
            "InvalidBlobType")
        return rules
    }()

    private static func addRefusals(to rules: inout CloudErrorRules) {
        // The service says so of a wrong key, of an expired signature and of a wrong clock.
        rules.add(
            CloudErrorRule(
                .backendAuthentication,
                "the service refuses the server's credentials: a wrong key, an expired signature or"
                    + " a wrong clock",
                correction: .clockSkew),
            "AuthenticationFailed")
        rules.add(.expired, "InvalidAuthenticationInfo", "ExpiredAuthenticationToken")
        rules.add(
            CloudErrorRule(
                .backendAuthentication,
                "the account takes no keys; give the server an identity of Entra"),
            "KeyBasedAuthenticationNotPermitted")
        rules.add(
            CloudErrorRule(
                .permissionDenied,
                "the service does not say whether it exists to who is nobody; give the server"
                    + " credentials, or check the account's name"),
            "ResourceNotFound", "PublicAccessNotPermitted", "NoAuthenticationInformation")
        rules.add(
            .forbidden, "AuthorizationFailure", "AuthorizationPermissionMismatch",
            "AuthorizationProtocolMismatch", "AuthorizationResourceTypeMismatch",
            "AuthorizationServiceMismatch", "AuthorizationSourceIPMismatch",
            "InsufficientAccountPermissions", "AccountIsDisabled", "ContainerDisabled")
        rules.add(
            CloudErrorRule(
                .permissionDenied, "a retention policy or a legal hold keeps the blob as it is"),
            "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold")
    }

    private static func addConflicts(to rules: inout CloudErrorRules) {
        rules.add(
            CloudErrorRule(
                .alreadyExists, "there is a blob already; nothing was written"),
            "BlobAlreadyExists")
        rules.add(
            CloudErrorRule(
                .conflict, "the container is being made or deleted", retry: .transient),
            "ContainerBeingDeleted", "ContainerBeingCreated", "AccountBeingCreated")
        rules.add(
            CloudErrorRule(
                .conflict, "somebody holds a lease on the blob; it has to end before"),
            "LeaseIdMissing", "LeaseIdMismatchWithBlobOperation", "LeaseLost",
            "LeaseAlreadyPresent", "LeaseIdMismatchWithContainerOperation")
        rules.add(
            CloudErrorRule(.conflict, "the blob has snapshots; delete these before"),
            "SnapshotsPresent")
        rules.add(
            CloudErrorRule(.conflict, "another copy to this blob is under way"),
            "PendingCopyOperation")
        // AZ-05
        rules.add(
            CloudErrorRule(
                .conflict,
                "another program has begun to write this blob in blocks with names of another"
                    + " length; it has to finish, or Azure forgets them after a week. Until then the"
                    + " blob can be written only in one piece"),
            "InvalidBlobOrBlock")
        rules.add(.invalidPart, "InvalidBlockList")
    }
}

extension AzureBlobService {
    func complaint(_ refusal: CloudRefusal) -> CloudComplaint {
        var complaint = CloudComplaint()
        // AZ-11: HEAD has no body. The code is the same for what is not modified and for what is not
        // as it must be: there the status tells.
        if refusal.status != 304 {
            complaint.code =
                refusal.headers["x-ms-error-code"] ?? refusal.document?.text(of: "Code")
        }
        complaint.requestID = refusal.headers["x-ms-request-id"]
        // AZ-12
        complaint.retryAfter = refusal.headers["x-ms-retry-after-ms"].flatMap { UInt32($0) }
            .map { .milliseconds(Int64($0)) }
        return complaint
    }
}
