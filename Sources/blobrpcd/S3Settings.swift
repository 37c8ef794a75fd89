import BlobCore
import Foundation

#if S3
    import CloudBackends
#endif

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
    extension S3Section {
        /// The section checked; `journalDirectory` is where uploads are noted unless it says otherwise.
        func configuration(journalDirectory: String) throws(BlobError) -> S3Configuration {
            var result = S3Configuration()
            result.identity = try identity()
            result.region = region
            result.endpoint = endpoint
            result.addressing = try Self.choice(addressing, "s3.addressing", result.addressing)
            result.checksum = try Self.choice(checksum, "s3.checksum", result.checksum)
            result.storageClass = storageClass
            result.encryption = try makeEncryption()
            result.paysForRequests = paysForRequests ?? false
            result.certificateFile = certificateFile
            if let certificateFile, !FileManager.default.isReadableFile(atPath: certificateFile) {
                throw BlobError(
                    .invalidArgument, "s3.certificateFile: cannot read \(certificateFile)")
            }
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
                guard let customerKeyFile,
                    let key = FileManager.default.contents(atPath: customerKeyFile), key.count == 32
                else {
                    throw BlobError(
                        .invalidArgument, "s3.customerKeyFile must name a file of 32 bytes")
                }
                return .customerKey(Array(key))
            case let other?:
                throw BlobError(
                    .invalidArgument,
                    "'\(other)' is no s3.encryption; use bucketDefault, s3, kms or customerKey")
            }
        }

        private static func choice<Value: RawRepresentable & CaseIterable>(
            _ text: String?, _ name: String, _ value: Value
        ) throws(BlobError) -> Value where Value.RawValue == String {
            guard let text else { return value }
            guard let chosen = Value(rawValue: text) else {
                let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw BlobError(.invalidArgument, "'\(text)' is no \(name); use \(known)")
            }
            return chosen
        }
    }
#endif
