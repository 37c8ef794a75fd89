/// The profiles of both files together.
struct ProfileSet: Sendable {
    private let profiles: [String: [String: String]]
    private let sessions: [String: [String: String]]
    /// Where they were looked for, for messages.
    let configPath: String
    let credentialsPath: String

    /// Reads what there is; a missing file is an empty one.
    static func load(_ context: AWSCredentialContext) async throws(CredentialFailure) -> ProfileSet
    {
        let environment = context.environment
        let configPath = environment.expanded(environment["AWS_CONFIG_FILE"] ?? "~/.aws/config")
        let credentialsPath = environment.expanded(
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "~/.aws/credentials")
        let config = try await read(configPath, context)
        let credentials = try await read(credentialsPath, context)
        return ProfileSet(
            config: ProfileFile(parsing: config), credentials: ProfileFile(parsing: credentials),
            configPath: configPath, credentialsPath: credentialsPath)
    }

    private static func read(
        _ path: String, _ context: AWSCredentialContext
    ) async throws(CredentialFailure) -> String {
        do throws(CredentialFailure) {
            return try await context.files.text(at: path) ?? ""
        } catch {
            throw error.from(path)
        }
    }

    init(
        config: ProfileFile, credentials: ProfileFile, configPath: String = "",
        credentialsPath: String = ""
    ) {
        self.configPath = configPath
        self.credentialsPath = credentialsPath
        var profiles: [String: [String: String]] = [:]
        var sessions: [String: [String: String]] = [:]
        // In the config file "[profile default]" hides "[default]".
        if let properties = config.sections["default"] { profiles["default"] = properties }
        for (section, properties) in config.sections {
            if let name = Self.name(section, after: "profile ") { profiles[name] = properties }
            if let name = Self.name(section, after: "sso-session ") { sessions[name] = properties }
        }
        // What the credentials file says wins.
        for (name, properties) in credentials.sections {
            profiles[name, default: [:]].merge(properties) { $1 }
        }
        self.profiles = profiles
        self.sessions = sessions
    }

    subscript(name: String) -> Profile? {
        profiles[name].map { Profile(name: name, properties: $0) }
    }

    func session(_ name: String) -> Profile? {
        sessions[name].map { Profile(name: name, properties: $0) }
    }

    private static func name(_ section: String, after prefix: String) -> String? {
        guard section.hasPrefix(prefix) else { return nil }
        let name = section.dropFirst(prefix.count)
        for quote in ["\"", "'"] where name.count >= 2 && name.hasPrefix(quote) {
            if name.hasSuffix(quote) { return String(name.dropFirst().dropLast()) }
        }
        return String(name)
    }
}

/// One profile: names in lower case and their values. Some are secrets, so it has no description.
struct Profile: Sendable {
    let name: String
    let properties: [String: String]

    /// The value, unless it is empty.
    subscript(property: String) -> String? {
        guard let value = properties[property], !value.isEmpty else { return nil }
        return value
    }
}

extension Profile: CustomStringConvertible, CustomReflectable {
    var description: String { "Profile(\(name))" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
