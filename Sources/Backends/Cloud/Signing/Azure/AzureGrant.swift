internal import BlobCore

/// Somebody who signs URLs, and until when they can be valid.
struct AzureGrant: Sendable {
    let grantor: AzureGrantor
    /// The end of the URLs, in whole seconds: the one asked for, or that of the key (CM-16).
    let end: Timestamp

    /// - Throws: `presign` for credentials that cannot sign (AZ-13), or a time that no URL can be
    ///   valid for (CM-16).
    init(
        credentials: AzureCredentials, delegationKeys: AzureDelegationKeys, now: Timestamp,
        validSeconds: UInt32
    ) async throws(BlobError) {
        guard (1...AzureService.maximumValidSeconds).contains(validSeconds) else {
            throw BlobError(
                .presign, "a URL can be valid for 1 to \(AzureService.maximumValidSeconds) seconds")
        }
        let wanted = Timestamp(
            milliseconds: (now.milliseconds / 1000 + Int64(validSeconds)) * 1000)
        switch credentials.kind {
        case .sharedKey(let key):
            grantor = .account(key)
            end = wanted
        case .token:
            let key = try await delegationKeys.key(until: wanted)
            grantor = .user(key)
            end = min(wanted, key.end)
        case .sasToken:
            throw BlobError(
                .presign,
                "a SAS token cannot sign other URLs; give the server the key of the account or an"
                    + " identity with the role 'Storage Blob Delegator'")
        case .anonymous:
            throw BlobError(.presign, "this store has no credentials to sign with")
        }
    }

    /// The URL of `resource` with a signature.
    func url(
        of resource: AzureResource, permissions: AzurePermissions,
        overrides: AzureResponseOverrides = AzureResponseOverrides()
    ) throws(BlobError) -> String {
        let signature = AzureSharedAccessSignature(
            resource: resource, permissions: permissions, expiry: end, overrides: overrides)
        return try signature.url(by: grantor)
    }
}
