internal import BlobCore

/// Who the requests are from.
struct GCSIdentity: Sendable {
    /// Who is asked for.
    enum Choice: Sendable, Hashable {
        /// Whoever the machine's credentials are of; those in the file, if one is named.
        case applicationDefault(file: String?)
        /// Nobody: for public buckets and emulators.
        case anonymous
    }

    /// Nil for nobody.
    let credentials: GoogleCredentialChain?
    /// The service: what the configuration says, or else the emulator's; nil for Google's own.
    let endpoint: String?

    /// `STORAGE_EMULATOR_HOST` names an emulator, which knows nobody. An endpoint in the configuration
    /// counts more.
    init(
        _ choice: Choice, endpoint: String?, context: GoogleCredentialContext
    ) throws(BlobError) {
        let emulator =
            if endpoint == nil { try Self.emulator(context.environment) } else { String?.none }
        self.endpoint = endpoint ?? emulator
        guard case .applicationDefault(let file) = choice, emulator == nil else {
            credentials = nil
            return
        }
        if let endpoint {
            guard let url = ServiceURL(endpoint), url.isSecure || url.isLoopback else {
                throw BlobError(
                    .invalidArgument,
                    "an http endpoint on another machine needs an anonymous identity: access tokens"
                        + " could be read on the way")
            }
        }
        var context = context
        context.credentialsFile = file
        credentials = GoogleCredentialChain(context)
    }

    private static func emulator(
        _ environment: CredentialEnvironment
    ) throws(BlobError) -> String? {
        guard let text = environment["STORAGE_EMULATOR_HOST"] else { return nil }
        guard let url = ServiceURL(text) ?? ServiceURL("http://\(text)"), url.path == "/",
            url.query == nil
        else {
            throw BlobError(
                .invalidArgument,
                "STORAGE_EMULATOR_HOST is written host:port or http://host:port")
        }
        return String(url.text.dropLast())
    }
}
