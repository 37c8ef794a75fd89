internal import BlobCore

/// A role taken on with a token that somebody else keeps fresh in a file, such as Kubernetes.
struct WebIdentityCredentials: CredentialProvider {
    let context: AWSCredentialContext
    var name: String { "web identity" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AWSCredentials> {
        let environment = context.environment
        guard let tokenPath = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else {
            return .absent("AWS_WEB_IDENTITY_TOKEN_FILE is not set")
        }
        guard let roleARN = environment["AWS_ROLE_ARN"] else {
            throw CredentialFailure("AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not")
        }
        // Only the profile's region is of interest here, so a broken file is no obstacle.
        var profiles: ProfileSet?
        do throws(CredentialFailure) { profiles = try await ProfileSet.load(context) } catch {}
        return .found(
            try await assume(
                AssumedRole(
                    roleARN: roleARN, sessionName: environment["AWS_ROLE_SESSION_NAME"]),
                tokenPath: tokenPath,
                region: AWSRegionSource.region(
                    context, profiles?[context.selectedProfileName])))
    }

    /// The file is read each time: its token lives as shortly as the credentials do.
    func assume(
        _ role: AssumedRole, tokenPath: String, region: String?
    ) async throws(CredentialFailure) -> AWSCredentials {
        let path = context.environment.expanded(tokenPath)
        let text: String?
        do throws(CredentialFailure) {
            text = try await context.files.text(at: path)
        } catch {
            throw error.from(path)
        }
        guard let text else { throw CredentialFailure("there is no token file \(path)") }
        let token = String(text.trimmingWhitespace)
        guard !token.isEmpty else { throw CredentialFailure("the token file \(path) is empty") }
        return try await TokenService(context: context, region: region)
            .assume(role, webIdentityToken: token)
    }
}
