/// What all requests to Azure Blob have in common.
enum AzureService {
    /// The version of the service, in requests and in signatures: what is signed depends on it, so
    /// it is one and the same everywhere (AZ-03).
    static let version = "2023-11-03"
    static let versionField = "x-ms-version"
    static let dateField = "x-ms-date"
    /// The longest time that a signed URL may be valid: seven days.
    static let maximumValidSeconds: UInt32 = 604_800
}
