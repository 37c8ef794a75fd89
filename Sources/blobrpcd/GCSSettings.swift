import ArgumentParser
import BlobCore
import LinuxIO

#if GCS
    import CloudBackends
#endif

/// The flags about Google Cloud Storage.
struct GCSArguments: ParsableArguments {
    @Flag(
        name: .customLong("gcs"),
        help: "Serve gs:// with the credentials that Google's tools would find.")
    var isServed = false

    @Option(
        name: .customLong("gcs-endpoint"),
        help: "Serve gs:// from this service instead of Google's, such as http://127.0.0.1:9000.")
    var endpoint: String?
}

extension CloudSettings {
    /// Nil when nobody asks for Google Cloud Storage.
    static func gcs(
        _ arguments: GCSArguments, _ section: GCSSection?
    ) throws(BlobError) -> (any CloudServiceSettings)? {
        guard arguments.isServed || arguments.endpoint != nil || section != nil else { return nil }
        #if GCS
            return try GCSSettings(arguments, section ?? GCSSection())
        #else
            throw BlobError.unsupportedBackend(scheme: "gs")
        #endif
    }
}

/// The `gcs` section of the configuration file, as written.
struct GCSSection: Decodable {
    var endpoint: String?
    var iamEndpoint: String?
    var credentialsFile: String?
    var signingAccount: String?
    var anonymous: Bool?
    var storageClass: String?
    var encryption: String?
    var kmsKeyName: String?
    var customerKeyFile: String?
    var userProject: String?
    var certificateFile: String?
    var partBytes: Int?
    var concurrentParts: Int?
    var memoryBudgetBytes: Int?
    var journalDirectory: String?

    static let keys: Set<String> = [
        "endpoint", "iamEndpoint", "credentialsFile", "signingAccount", "anonymous",
        "storageClass", "encryption", "kmsKeyName", "customerKeyFile", "userProject",
        "certificateFile", "partBytes", "concurrentParts", "memoryBudgetBytes", "journalDirectory",
    ]
}

#if GCS
    /// How Google Cloud Storage is served.
    struct GCSSettings: CloudServiceSettings {
        private let configuration: GCSConfiguration

        init(_ arguments: GCSArguments, _ section: GCSSection) throws(BlobError) {
            var section = section
            if let endpoint = arguments.endpoint { section.endpoint = endpoint }
            if let directory = section.journalDirectory {
                section.journalDirectory = try Settings.absolute(directory)
            }
            configuration = try section.configuration(
                journalDirectory: DefaultPaths.stateDirectory() + "/gcs-uploads")
        }

        var scheme: BlobURI.Scheme { .gs }

        var journalDirectory: String? { configuration.journalDirectory }

        var description: String { "gs:// at \(configuration.endpoint ?? "Google")" }

        func open(pool: BlockingPool) throws(BlobError) -> CloudServiceStore {
            let backend = try GCSBackend(configuration: configuration, blockingPool: pool)
            return CloudServiceStore(store: backend) { await backend.close() }
        }
    }

    extension GCSSection {
        /// The section checked; `journalDirectory` is where uploads are noted unless it says otherwise.
        func configuration(journalDirectory: String) throws(BlobError) -> GCSConfiguration {
            var result = GCSConfiguration()
            if anonymous == true {
                guard credentialsFile == nil, signingAccount == nil else {
                    throw BlobError(
                        .invalidArgument,
                        "gcs: give anonymous, or credentialsFile and signingAccount")
                }
                result.identity = .anonymous
            } else {
                result.identity = .applicationDefault(file: credentialsFile)
            }
            result.signingAccount = signingAccount
            result.endpoint = endpoint
            result.iamEndpoint = iamEndpoint
            result.storageClass = storageClass
            result.encryption = try makeEncryption()
            result.userProject = userProject
            result.certificateFile = try Settings.readable(
                certificateFile, "gcs.certificateFile")
            if let partBytes { result.partByteCount = partBytes }
            if let concurrentParts { result.concurrentPartCount = concurrentParts }
            if let memoryBudgetBytes { result.memoryBudgetByteCount = memoryBudgetBytes }
            result.journalDirectory = self.journalDirectory ?? journalDirectory
            return result
        }

        private func makeEncryption() throws(BlobError) -> GCSConfiguration.Encryption {
            // Whoever names a key and not what for would believe it to be used.
            guard kmsKeyName == nil || encryption == "kms" else {
                throw BlobError(.invalidArgument, "gcs.kmsKeyName needs encryption: kms")
            }
            guard customerKeyFile == nil || encryption == "customerKey" else {
                throw BlobError(
                    .invalidArgument, "gcs.customerKeyFile needs encryption: customerKey")
            }
            switch encryption {
            case nil, "bucketDefault": return .bucketDefault
            case "kms":
                guard let kmsKeyName else {
                    throw BlobError(.invalidArgument, "gcs.encryption: kms needs kmsKeyName")
                }
                return .kms(keyName: kmsKeyName)
            case "customerKey":
                return .customerKey(
                    try Settings.encryptionKey(customerKeyFile, "gcs.customerKeyFile"))
            case let other?:
                throw BlobError(
                    .invalidArgument,
                    "'\(other)' is no gcs.encryption; use bucketDefault, kms or customerKey")
            }
        }
    }
#endif
