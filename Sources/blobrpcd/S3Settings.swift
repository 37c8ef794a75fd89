import ArgumentParser
import BlobCore
import LinuxIO

#if S3
    import CloudBackends
#endif

/// The flags about S3.
struct S3Arguments: ParsableArguments {
    @Flag(
        name: .customLong("s3"),
        help: "Serve s3:// with the credentials that the AWS tools would find.")
    var isServed = false

    @Option(
        name: .customLong("s3-endpoint"),
        help: "Serve s3:// from this service instead of AWS, such as http://127.0.0.1:8333.")
    var endpoint: String?
}

extension CloudSettings {
    /// Nil when nobody asks for S3.
    static func s3(
        _ arguments: S3Arguments, _ section: S3Section?
    ) throws(BlobError) -> (any CloudServiceSettings)? {
        guard arguments.isServed || arguments.endpoint != nil || section != nil else { return nil }
        #if S3
            return try S3Settings(arguments, section ?? S3Section())
        #else
            throw BlobError.unsupportedBackend(scheme: "s3")
        #endif
    }
}

/// The `s3` section of the configuration file, as written.
struct S3Section: Decodable {
    var endpoint: String?
    var region: String?
    var profile: String?
    var accessKeyID: String?
    var secretAccessKey: String?
    var sessionToken: String?
    var anonymous: Bool?
    var addressing: String?
    var checksum: String?
    var storageClass: String?
    var encryption: String?
    var kmsKeyID: String?
    var customerKeyFile: String?
    var paysForRequests: Bool?
    var certificateFile: String?
    var partBytes: Int?
    var concurrentParts: Int?
    var memoryBudgetBytes: Int?
    var journalDirectory: String?

    static let keys: Set<String> = [
        "endpoint", "region", "profile", "accessKeyID", "secretAccessKey", "sessionToken",
        "anonymous", "addressing", "checksum", "storageClass", "encryption", "kmsKeyID",
        "customerKeyFile", "paysForRequests", "certificateFile", "partBytes", "concurrentParts",
        "memoryBudgetBytes", "journalDirectory",
    ]
}

#if S3
    /// How S3 is served.
    struct S3Settings: CloudServiceSettings {
        private let configuration: S3Configuration

        init(_ arguments: S3Arguments, _ section: S3Section) throws(BlobError) {
            var section = section
            if let endpoint = arguments.endpoint { section.endpoint = endpoint }
            if let directory = section.journalDirectory {
                section.journalDirectory = try Settings.absolute(directory)
            }
            configuration = try section.configuration(
                journalDirectory: DefaultPaths.stateDirectory() + "/s3-uploads")
        }

        var scheme: BlobURI.Scheme { .s3 }

        var journalDirectory: String? { configuration.journalDirectory }

        var description: String { "s3:// at \(configuration.endpoint ?? "AWS")" }

        func open(pool: BlockingPool) throws(BlobError) -> CloudServiceStore {
            let backend = try S3Backend(configuration: configuration, blockingPool: pool)
            return CloudServiceStore(store: backend) { await backend.close() }
        }
    }

    extension S3Section {
        /// The section checked; `journalDirectory` is where uploads are noted unless it says otherwise.
        func configuration(journalDirectory: String) throws(BlobError) -> S3Configuration {
            var result = S3Configuration()
            result.identity = try identity()
            result.region = region
            result.endpoint = endpoint
            result.addressing = try Settings.choice(addressing, "s3.addressing", result.addressing)
            result.checksum = try Settings.choice(checksum, "s3.checksum", result.checksum)
            result.storageClass = storageClass
            result.encryption = try makeEncryption()
            result.paysForRequests = paysForRequests ?? false
            result.certificateFile = try Settings.readable(
                certificateFile, "s3.certificateFile")
            if let partBytes { result.partByteCount = partBytes }
            if let concurrentParts { result.concurrentPartCount = concurrentParts }
            if let memoryBudgetBytes { result.memoryBudgetByteCount = memoryBudgetBytes }
            result.journalDirectory = self.journalDirectory ?? journalDirectory
            return result
        }

        private func identity() throws(BlobError) -> S3Configuration.Identity {
            let hasKeys = accessKeyID != nil || secretAccessKey != nil || sessionToken != nil
            let choiceCount = [anonymous == true, hasKeys, profile != nil].count { $0 }
            guard choiceCount <= 1 else {
                throw BlobError(
                    .invalidArgument,
                    "s3: give one of anonymous, profile, or accessKeyID with secretAccessKey")
            }
            if anonymous == true { return .anonymous }
            guard hasKeys else { return .chain(profile: profile) }
            guard let accessKeyID, let secretAccessKey else {
                throw BlobError(
                    .invalidArgument, "s3: accessKeyID and secretAccessKey are given together")
            }
            return .keys(
                accessKeyID: accessKeyID, secretAccessKey: secretAccessKey,
                sessionToken: sessionToken)
        }

        private func makeEncryption() throws(BlobError) -> S3Configuration.Encryption {
            // Whoever names a key and not what for would believe it to be used.
            guard kmsKeyID == nil || encryption == "kms" else {
                throw BlobError(.invalidArgument, "s3.kmsKeyID needs encryption: kms")
            }
            guard customerKeyFile == nil || encryption == "customerKey" else {
                throw BlobError(
                    .invalidArgument, "s3.customerKeyFile needs encryption: customerKey")
            }
            switch encryption {
            case nil, "bucketDefault": return .bucketDefault
            case "s3": return .s3
            case "kms": return .kms(keyID: kmsKeyID)
            case "customerKey":
                return .customerKey(
                    try Settings.encryptionKey(customerKeyFile, "s3.customerKeyFile"))
            case let other?:
                throw BlobError(
                    .invalidArgument,
                    "'\(other)' is no s3.encryption; use bucketDefault, s3, kms or customerKey")
            }
        }
    }
#endif
