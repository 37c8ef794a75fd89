internal import BlobCore

/// The settings that become headers, made once.
struct S3Options: Sendable {
    /// With everything that makes a blob: a put, a copy, a new upload.
    private(set) var creation = HTTPHeaders()
    /// With everything that reads or writes the bytes of a blob whose key the caller holds.
    private(set) var customerKey = HTTPHeaders()
    /// With the source of a copy.
    private(set) var copySourceKey = HTTPHeaders()
    /// With every request.
    private(set) var common = HTTPHeaders()

    init(_ configuration: S3Configuration) throws(BlobError) {
        if configuration.paysForRequests {
            common.append("x-amz-request-payer", "requester")
        }
        if let storageClass = configuration.storageClass {
            try Self.check(storageClass, "storageClass")
            creation.append("x-amz-storage-class", storageClass)
        }
        switch configuration.encryption {
        case .bucketDefault: break
        case .s3: creation.append("x-amz-server-side-encryption", "AES256")
        case .kms(let keyID):
            creation.append("x-amz-server-side-encryption", "aws:kms")
            if let keyID {
                try Self.check(keyID, "kmsKeyID")
                creation.append("x-amz-server-side-encryption-aws-kms-key-id", keyID)
            }
        case .customerKey(let key):
            guard key.count == 32 else {
                throw BlobError(.invalidArgument, "a customer's encryption key has 32 bytes")
            }
            let encodedKey = Base64.text(of: key)
            let digest = try MD5.base64(of: Bytes(key))
            for (headers, prefix) in [
                (\S3Options.customerKey, "x-amz-server-side-encryption-customer-"),
                (\S3Options.copySourceKey, "x-amz-copy-source-server-side-encryption-customer-"),
            ] {
                self[keyPath: headers].append(prefix + "algorithm", "AES256")
                self[keyPath: headers].append(prefix + "key", encodedKey)
                self[keyPath: headers].append(prefix + "key-md5", digest)
            }
        }
    }

    private static func check(_ value: String, _ name: String) throws(BlobError) {
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw BlobError(.invalidArgument, "\(name) must be plain ASCII without spaces")
        }
    }
}
