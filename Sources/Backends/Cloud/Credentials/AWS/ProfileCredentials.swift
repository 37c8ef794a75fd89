internal import BlobCore

/// What a profile of `~/.aws/config` and `~/.aws/credentials` says, in whichever of its ways.
struct ProfileCredentials: CredentialProvider {
    let context: AWSCredentialContext
    var name: String { "profile '\(context.selectedProfileName)'" }

    func fetch() async throws(CredentialFailure) -> CredentialAnswer<AWSCredentials> {
        let profiles = try await ProfileSet.load(context)
        let name = context.selectedProfileName
        guard let profile = profiles[name] else {
            let places = "\(profiles.configPath) and \(profiles.credentialsPath)"
            guard !context.isProfileNamed else {
                throw CredentialFailure("it is in neither of \(places)")
            }
            return .absent("there is none in \(places)")
        }
        guard let credentials = try await resolve(profile, in: profiles, after: []) else {
            return .absent("it names no credentials")
        }
        return .found(credentials)
    }

    /// - Parameter after: the profiles on the way to this one, none of which may come again.
    private func resolve(
        _ profile: Profile, in profiles: ProfileSet, after: [String]
    ) async throws(CredentialFailure) -> AWSCredentials? {
        if let roleARN = profile["role_arn"] {
            return try await assume(roleARN, of: profile, in: profiles, after: after)
        }
        if profile["sso_session"] != nil || profile["sso_start_url"] != nil {
            return try await SSOCredentials(context: context).fetch(profile, in: profiles)
        }
        if let credentials = try Self.keys(of: profile) { return credentials }
        if let command = profile["credential_process"] {
            return try await CredentialProcess(context: context).fetch(command)
        }
        return nil
    }

    private func assume(
        _ roleARN: String, of profile: Profile, in profiles: ProfileSet, after: [String]
    ) async throws(CredentialFailure) -> AWSCredentials {
        if profile["mfa_serial"] != nil {
            throw CredentialFailure(
                "profile '\(profile.name)' asks for a second factor, which no server can give")
        }
        let role = AssumedRole(
            roleARN: roleARN, sessionName: profile["role_session_name"],
            externalID: profile["external_id"],
            durationSeconds: try Self.duration(of: profile))
        let region = AWSRegionSource.region(context, profile)
        if let tokenPath = profile["web_identity_token_file"] {
            return try await WebIdentityCredentials(context: context)
                .assume(role, tokenPath: tokenPath, region: region)
        }
        let base: AWSCredentials
        if let source = profile["source_profile"] {
            base = try await sourceCredentials(source, of: profile, in: profiles, after: after)
        } else if let source = profile["credential_source"] {
            base = try await credentials(of: source)
        } else {
            throw CredentialFailure(
                "profile '\(profile.name)' has a role_arn; it needs a source_profile, a"
                    + " credential_source or a web_identity_token_file too")
        }
        return try await TokenService(context: context, region: region).assume(role, with: base)
    }

    private func sourceCredentials(
        _ source: String, of profile: Profile, in profiles: ProfileSet, after: [String]
    ) async throws(CredentialFailure) -> AWSCredentials {
        // A profile may name itself: then it is its own keys that take on the role.
        if source == profile.name, let keys = try Self.keys(of: profile) { return keys }
        let path = after + [profile.name]
        guard !path.contains(source) else {
            throw CredentialFailure(
                "the profiles \((path + [source]).joined(separator: " > ")) go round in a circle")
        }
        guard let next = profiles[source] else {
            throw CredentialFailure(
                "profile '\(profile.name)' names the source_profile '\(source)', which is missing")
        }
        guard let credentials = try await resolve(next, in: profiles, after: path) else {
            throw CredentialFailure("the source_profile '\(source)' names no credentials")
        }
        return credentials
    }

    private func credentials(of source: String) async throws(CredentialFailure) -> AWSCredentials {
        let provider: any CredentialProvider<AWSCredentials>
        switch source {
        case "Environment": provider = EnvironmentCredentials(context: context)
        case "Ec2InstanceMetadata": provider = InstanceMetadataCredentials(context: context)
        case "EcsContainer": provider = ContainerCredentials(context: context)
        default:
            throw CredentialFailure(
                "the credential_source is none of Environment, Ec2InstanceMetadata, EcsContainer")
        }
        switch try await provider.fetch() {
        case .found(let credentials): return credentials
        case .absent(let reason):
            throw CredentialFailure("the credential_source \(source) gives nothing: \(reason)")
        }
    }

    private static func keys(of profile: Profile) throws(CredentialFailure) -> AWSCredentials? {
        let accessKeyID = profile["aws_access_key_id"]
        let secret = profile["aws_secret_access_key"]
        if accessKeyID == nil, secret == nil { return nil }
        guard let accessKeyID, let secret else {
            throw CredentialFailure(
                "profile '\(profile.name)' has only one of aws_access_key_id and"
                    + " aws_secret_access_key")
        }
        return AWSCredentials(
            accessKeyID: accessKeyID, secretAccessKey: secret,
            sessionToken: profile["aws_session_token"])
    }

    private static func duration(of profile: Profile) throws(CredentialFailure) -> UInt32? {
        guard let text = profile["duration_seconds"] else { return nil }
        guard let seconds = UInt32(text), (900...43_200).contains(seconds) else {
            throw CredentialFailure(
                "duration_seconds of profile '\(profile.name)' is no number from 900 to 43200")
        }
        return seconds
    }
}
