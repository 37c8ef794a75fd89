/// How a `GCSBackend` reaches its service. docs/gcs.md explains each setting with examples.
public struct GCSConfiguration: Sendable {
    /// Who the requests are from.
    public enum Identity: Sendable {
        /// What Google's own tools would use: the file that `GOOGLE_APPLICATION_CREDENTIALS` names,
        /// that of `gcloud auth application-default login`, the metadata server. With a `file`, that
        /// one alone.
        case applicationDefault(file: String?)
        /// Nobody: for public buckets and emulators.
        case anonymous
    }

    /// How the service encrypts what is written.
    public enum Encryption: Sendable {
        /// As the bucket says.
        case bucketDefault
        /// With a key of Cloud KMS: `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
        case kms(keyName: String)
        /// With a key of the caller, 32 bytes, which every later read must give too.
        case customerKey([UInt8])
    }

    /// Who the requests are from.
    public var identity = Identity.applicationDefault(file: nil)
    /// The service account that signs URLs for those who have neither a key nor an account of their
    /// own, such as users.
    public var signingAccount: String?
    /// The service, such as `http://127.0.0.1:9000`; nil for the emulator that
    /// `STORAGE_EMULATOR_HOST` names, and without one for Google's.
    public var endpoint: String?
    /// The IAM Service Account Credentials API, where it is reached under another name; nil for
    /// `https://iamcredentials.googleapis.com`.
    public var iamEndpoint: String?
    /// The storage class of what is written, such as `NEARLINE`; nil for the bucket's default.
    public var storageClass: String?
    /// How the service encrypts what is written.
    public var encryption = Encryption.bucketDefault
    /// The project that pays for requests to requester-pays buckets.
    public var userProject: String?
    /// A PEM file of the authorities to trust instead of the system's.
    public var certificateFile: String?
    /// The size in bytes of the parts that large blobs are read and written in; at least 5 MiB, and
    /// rounded down to a multiple of 256 KiB.
    public var partByteCount = 8 << 20
    /// How many parts of one blob move at once, at most.
    public var concurrentPartCount = 8
    /// How much memory Google Cloud Storage may cost the process, in bytes, over all calls. Half of
    /// it holds parts of blobs that are fetched ahead or wait to be sent, one part at least.
    public var memoryBudgetByteCount = 256 << 20
    /// A directory in which to note uploads that are under way, so that the next process can clear
    /// away what a killed one left; nil notes nothing.
    public var journalDirectory: String?

    /// Every default: Google's service with the credentials of the machine.
    public init() {}
}
