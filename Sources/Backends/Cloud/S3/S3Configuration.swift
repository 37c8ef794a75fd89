/// How an `S3Backend` reaches its service. docs/s3.md explains each setting with examples.
public struct S3Configuration: Sendable {
    /// Who the requests are from.
    public enum Identity: Sendable {
        /// What the AWS tools would use: environment, web identity, shared files, container, instance.
        /// `profile` names a profile of the shared files instead of `AWS_PROFILE`.
        case chain(profile: String?)
        /// A key pair, with its session token when it is temporary.
        case keys(accessKeyID: String, secretAccessKey: String, sessionToken: String?)
        /// Nobody: requests are not signed. For public buckets.
        case anonymous
    }

    /// Where in the URL the bucket stands.
    public enum Addressing: String, Sendable, CaseIterable {
        /// In the host name for AWS when the name allows it, else in the path (S3-06).
        case automatic
        /// `https://bucket.host/key`.
        case virtualHost
        /// `https://host/bucket/key`.
        case path
    }

    /// What is sent along with the bytes for the service to check them.
    public enum Checksum: String, Sendable, CaseIterable {
        /// CRC-64/NVME for AWS; none for other endpoints, as some refuse what they do not know
        /// (S3-20).
        case automatic
        /// Nothing.
        case none
        /// CRC-32C.
        case crc32c
        /// CRC-64/NVME.
        case crc64nvme
        /// SHA-256.
        case sha256
    }

    /// How the service encrypts what is written.
    public enum Encryption: Sendable {
        /// As the bucket says.
        case bucketDefault
        /// With keys of S3 (`AES256`).
        case s3
        /// With a key of the key management service; nil names its default key.
        case kms(keyID: String?)
        /// With a key of the caller, 32 bytes, which every later read must give too.
        case customerKey([UInt8])
    }

    /// Who the requests are from.
    public var identity = Identity.chain(profile: nil)
    /// The region of buckets whose region is not known yet; nil takes it from the environment or the
    /// shared files, and `us-east-1` without any.
    public var region: String?
    /// The service, such as `http://127.0.0.1:8333`; nil for AWS.
    public var endpoint: String?
    /// Where in the URL the bucket stands.
    public var addressing = Addressing.automatic
    /// What is sent for the service to check the bytes.
    public var checksum = Checksum.automatic
    /// The storage class of what is written, such as `STANDARD_IA`; nil for the bucket's default.
    public var storageClass: String?
    /// How the service encrypts what is written.
    public var encryption = Encryption.bucketDefault
    /// Whether to pay for requests to requester-pays buckets.
    public var paysForRequests = false
    /// A PEM file of the authorities to trust instead of the system's.
    public var certificateFile: String?
    /// The size in bytes of the parts that large blobs are read and written in; at least 5 MiB.
    public var partByteCount = 8 << 20
    /// How many parts of one blob move at once, at most.
    public var concurrentPartCount = 8
    /// How much memory S3 may cost the process, in bytes, over all calls. Half of it holds parts of
    /// blobs that are fetched ahead or wait to be sent, one part at least.
    public var memoryBudgetByteCount = 256 << 20
    /// A directory in which to note uploads that are under way, so that the next process can clear
    /// away what a killed one left; nil notes nothing.
    public var journalDirectory: String?

    /// Every default: AWS with the credentials of the environment.
    public init() {}
}
