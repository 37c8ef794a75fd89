internal import BlobCore

/// Finds the region to use when the configuration names none.
struct AWSRegionSource: Sendable {
    let context: AWSCredentialContext

    /// The configured region, else `AWS_REGION`, `AWS_DEFAULT_REGION` or that of the profile; nil
    /// when none says.
    func region() async throws(BlobError) -> String? {
        if let region = Self.region(context, nil) { return region }
        do throws(CredentialFailure) {
            let profiles = try await ProfileSet.load(context)
            return profiles[context.selectedProfileName]?["region"]
        } catch {
            throw BlobError(.backendAuthentication, "cannot find the region: \(error.message)")
        }
    }

    static func region(_ context: AWSCredentialContext, _ profile: Profile?) -> String? {
        context.region ?? context.environment["AWS_REGION"]
            ?? context.environment["AWS_DEFAULT_REGION"] ?? profile?["region"]
    }
}
