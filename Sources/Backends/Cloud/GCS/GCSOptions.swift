internal import Backends
internal import BlobCore

/// The settings that become headers, made once.
struct GCSOptions: Sendable {
    /// With everything that makes a blob: a put, a new upload.
    private(set) var creation = HTTPHeaders()
    /// With everything that reads or writes the bytes of a blob whose key the caller holds.
    private(set) var customerKey = HTTPHeaders()
    /// With the source of a copy.
    private(set) var copySourceKey = HTTPHeaders()
    let storageClass: String?
    private(set) var kmsKeyName: String?
    /// Who pays.
    let userProject: String?

    init(_ configuration: GCSConfiguration) throws(BlobError) {
        storageClass = configuration.storageClass
        userProject = configuration.userProject
        if let userProject { try Self.check(userProject, "userProject") }
        if let storageClass {
            try Self.check(storageClass, "storageClass")
            creation.append("x-goog-storage-class", storageClass)
        }
        switch configuration.encryption {
        case .bucketDefault: break
        case .kms(let keyName):
            try Self.check(keyName, "kmsKeyName")
            kmsKeyName = keyName
            creation.append("x-goog-encryption-kms-key-name", keyName)
        case .customerKey(let key):
            guard key.count == 32 else {
                throw BlobError(.invalidArgument, "a customer's encryption key has 32 bytes")
            }
            let hash = try SHA256Digest()
            try Bytes(key).withUnsafeBytes { raw throws(BlobError) in try hash.update(raw) }
            let digest = Base64.text(of: try hash.finish())
            for (headers, prefix) in [
                (\GCSOptions.customerKey, "x-goog-encryption-"),
                (\GCSOptions.copySourceKey, "x-goog-copy-source-encryption-"),
            ] {
                self[keyPath: headers].append(prefix + "algorithm", "AES256")
                self[keyPath: headers].append(prefix + "key", Base64.text(of: key))
                self[keyPath: headers].append(prefix + "key-sha256", digest)
            }
        }
    }

    private static func check(_ value: String, _ name: String) throws(BlobError) {
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw BlobError(.invalidArgument, "\(name) must be plain ASCII without spaces")
        }
    }
}
