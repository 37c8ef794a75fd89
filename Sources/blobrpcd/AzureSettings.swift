import ArgumentParser
import BlobCore
import LinuxIO

#if Azure
    import CloudBackends
#endif

/// The flags about Azure Blob.
struct AzureArguments: ParsableArguments {
    @Flag(
        name: .customLong("azure"),
        help: "Serve az:// with the account and the credentials of the environment.")
    var isServed = false

    @Option(
        name: .customLong("azure-endpoint"),
        help: "Serve az:// from this place, such as http://127.0.0.1:10000/account.")
    var endpoint: String?

    @Option(name: .customLong("azure-account"), help: "Serve az:// from this account.")
    var account: String?
}

extension CloudSettings {
    /// Nil when nobody asks for Azure.
    static func azure(
        _ arguments: AzureArguments, _ section: AzureSection?
    ) throws(BlobError) -> (any CloudServiceSettings)? {
        guard
            arguments.isServed || arguments.endpoint != nil || arguments.account != nil
                || section != nil
        else { return nil }
        #if Azure
            return try AzureSettings(arguments, section ?? AzureSection())
        #else
            throw BlobError.unsupportedBackend(scheme: "az")
        #endif
    }
}

/// The `azure` section of the configuration file, as written.
struct AzureSection: Decodable {
    var endpoint: String?
    var account: String?
    var connectionString: String?
    var accountKey: String?
    var sasToken: String?
    var tenantID: String?
    var clientID: String?
    var clientSecret: String?
    var authorityHost: String?
    var managedIdentity: String?
    var anonymous: Bool?
    var checksum: String?
    var accessTier: String?
    var encryptionScope: String?
    var certificateFile: String?
    var partBytes: Int?
    var concurrentParts: Int?
    var memoryBudgetBytes: Int?

    static let keys: Set<String> = [
        "endpoint", "account", "connectionString", "accountKey", "sasToken", "tenantID", "clientID",
        "clientSecret", "authorityHost", "managedIdentity", "anonymous", "checksum", "accessTier",
        "encryptionScope", "certificateFile", "partBytes", "concurrentParts", "memoryBudgetBytes",
    ]
}

#if Azure
    /// How Azure Blob is served.
    struct AzureSettings: CloudServiceSettings {
        private let configuration: AzureConfiguration

        init(_ arguments: AzureArguments, _ section: AzureSection) throws(BlobError) {
            var section = section
            if let endpoint = arguments.endpoint { section.endpoint = endpoint }
            if let account = arguments.account { section.account = account }
            configuration = try section.configuration()
        }

        var scheme: BlobURI.Scheme { .az }

        /// Uploads under way need no notes: Azure has no way to give one up.
        var journalDirectory: String? { nil }

        var description: String {
            let place = configuration.endpoint ?? configuration.account
            return "az:// at \(place ?? "the account of the environment")"
        }

        func open(pool: BlockingPool) throws(BlobError) -> CloudServiceStore {
            let backend = try AzureBackend(configuration: configuration, blockingPool: pool)
            return CloudServiceStore(store: backend) { await backend.close() }
        }
    }

    extension AzureSection {
        /// The section, checked.
        func configuration() throws(BlobError) -> AzureConfiguration {
            var result = AzureConfiguration()
            result.identity = try identity()
            result.endpoint = endpoint
            result.account = account
            result.authorityHost = authorityHost
            result.checksum = try Settings.choice(checksum, "azure.checksum", result.checksum)
            result.accessTier = accessTier
            result.encryptionScope = encryptionScope
            result.certificateFile = try Settings.readable(
                certificateFile, "azure.certificateFile")
            if let partBytes { result.partByteCount = partBytes }
            if let concurrentParts { result.concurrentPartCount = concurrentParts }
            if let memoryBudgetBytes { result.memoryBudgetByteCount = memoryBudgetBytes }
            return result
        }

        private func identity() throws(BlobError) -> AzureConfiguration.Identity {
            var choices: [AzureConfiguration.Identity] = []
            if let connectionString { choices.append(.connectionString(connectionString)) }
            if let accountKey { choices.append(.accountKey(accountKey)) }
            if let sasToken { choices.append(.sasToken(sasToken)) }
            if tenantID != nil || clientID != nil || clientSecret != nil {
                guard let tenantID, let clientID, let clientSecret else {
                    throw BlobError(
                        .invalidArgument,
                        "azure: tenantID, clientID and clientSecret are given together")
                }
                choices.append(
                    .clientSecret(tenantID: tenantID, clientID: clientID, secret: clientSecret))
            }
            if let managedIdentity { choices.append(try managed(managedIdentity)) }
            if anonymous == true { choices.append(.anonymous) }
            guard choices.count <= 1 else {
                throw BlobError(
                    .invalidArgument,
                    "azure: give one of connectionString, accountKey, sasToken, clientSecret,"
                        + " managedIdentity or anonymous")
            }
            return choices.first ?? .environment
        }

        /// `system`, or whose: `clientID:...`, `objectID:...`, `resourceID:...`.
        private func managed(_ text: String) throws(BlobError) -> AzureConfiguration.Identity {
            if text == "system" { return .managedIdentity(.systemAssigned) }
            let halves = text.split(separator: ":", maxSplits: 1).map(String.init)
            switch (halves.first, halves.dropFirst().first) {
            case ("clientID", let name?): return .managedIdentity(.clientID(name))
            case ("objectID", let name?): return .managedIdentity(.objectID(name))
            case ("resourceID", let name?): return .managedIdentity(.resourceID(name))
            default:
                throw BlobError(
                    .invalidArgument,
                    "azure.managedIdentity is system, or clientID:, objectID: or resourceID: with"
                        + " what follows it in Azure")
            }
        }
    }
#endif
