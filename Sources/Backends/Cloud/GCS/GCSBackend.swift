internal import Backends
public import BlobCore
public import LinuxIO

/// Blobs in Google Cloud Storage: `gs://bucket/key`.
///
/// Holds the credentials; nothing it returns or throws contains them. docs/gcs.md describes what it
/// asks of the service.
public final class GCSBackend: BlobStore {
    let service: GCSService
    let dialect: GCSDialect
    let store: CloudStore

    /// Prepares everything; connects only when a process before this one left uploads half-open.
    ///
    /// - Parameter blockingPool: Computes checksums and signatures, reads files.
    /// - Throws: `invalidArgument` for a setting that cannot be.
    public convenience init(
        configuration: GCSConfiguration, blockingPool: BlockingPool
    ) throws(BlobError) {
        try self.init(
            configuration: configuration, blockingPool: blockingPool, environment: .process,
            engineSettings: HTTPEngineSettings(), policy: RetryPolicy())
    }

    /// - Parameter credentials: Asked instead of what `configuration` says; for tests.
    init(
        configuration: GCSConfiguration, blockingPool: BlockingPool,
        environment: CredentialEnvironment, engineSettings: HTTPEngineSettings,
        policy: RetryPolicy, clock: WallClock = .system,
        timeouts: CloudTimeouts = CloudTimeouts(),
        credentials: (any CredentialSource<GoogleCredentials>)? = nil
    ) throws(BlobError) {
        let settings = try TransferSettings(
            // What is written in order comes in multiples of this.
            partByteCount: configuration.partByteCount & ~((256 << 10) - 1),
            concurrentPartCount: configuration.concurrentPartCount,
            memoryBudgetByteCount: configuration.memoryBudgetByteCount)
        let options = try GCSOptions(configuration)
        var engineSettings = engineSettings
        if let file = configuration.certificateFile { engineSettings.certificateFile = file }
        let engines = HTTPEnginePool(settings: engineSettings)
        let serviceClock = ServiceClock(clock)
        let identity = try GCSIdentity(
            configuration, environment: environment,
            http: EngineCredentialHTTP(engines: engines), blockingPool: blockingPool,
            clock: WallClock { serviceClock.now })
        let endpoint = try GCSEndpoint(identity.endpoint)
        service = GCSService(
            endpoint: endpoint, credentials: credentials ?? identity.credentials,
            userProject: options.userProject, clock: serviceClock)
        dialect = GCSDialect(
            client: CloudClient(
                service: service, engines: engines, policy: policy, timeouts: timeouts),
            endpoint: endpoint, options: options, hashing: blockingPool)
        let journal: UploadJournal? =
            if let path = configuration.journalDirectory {
                try UploadJournal(path: path, scheme: .gs, endpointName: endpoint.host)
            } else {
                nil
            }
        store = CloudStore(
            dialect: dialect, settings: settings, hashing: blockingPool, journal: journal)
    }

    /// Ends the connections. Calls that run fail with `shuttingDown`.
    public func close() async { await store.close() }

    var client: CloudClient { dialect.client }

    /// Everything; what the service itself lacks shows when it is asked.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        Capabilities(
            operations: BlobOperation.ofBlobs.subtracting([.info]),
            features: [
                .createOnlyPut, .conditionalPut, .userMetadata, .httpPresign, .partEntityTags,
            ],
            limits: GCSLimits.limits)
    }

    /// The metadata of a blob by one HEAD request; one more when there is no blob, to tell whether
    /// there is a bucket (CM-09).
    public func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        try await store.head(uri, options: options)
    }

    /// Begins to read a blob. The first response tells size and version (CM-06); what follows is
    /// pinned to that generation (CM-05) and fetched ahead, part by part, as memory allows.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        try await store.read(uri, options: options)
    }

    /// Writes a blob: by one request when it fits into a part, else in parts that move in parallel,
    /// or one after the other when there is a condition to keep (GC-07). In every case it appears
    /// whole or not at all (W-73).
    public func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try await store.put(uri, body: body, options: options)
    }

    /// Begins an upload. Its commit token becomes part of its name (S3-11).
    public func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        try await store.createMultipartUpload(uri, options: options)
    }

    /// Uploads one part. Up to 16 MiB are kept to be sent again should it be necessary; a longer
    /// part has to say its length and is sent once.
    public func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        try await store.uploadPart(upload, partNumber: partNumber, body: body, options: options)
    }

    /// Makes the blob from its parts. Safe to repeat: an upload that was completed before is known
    /// by its commit token (S3-11). The service does so without conditions only (GC-07).
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        try await store.completeMultipartUpload(upload, parts: parts, options: options)
    }

    /// Gives an upload up; an unknown one counts as given up (W-84).
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        try await store.abortMultipartUpload(upload, options: options)
    }

    /// The parts that the service has, in pages (W-82).
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        try await dialect.uploads.list(upload, after: afterPartNumber, options)
    }

    /// One page of a list, whose order is the bytes' own (W-76).
    public func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        try await BucketListing(prefix, options).page(by: client)
    }
}

extension GCSIdentity {
    fileprivate init(
        _ configuration: GCSConfiguration, environment: CredentialEnvironment,
        http: any CredentialHTTP, blockingPool: BlockingPool, clock: WallClock
    ) throws(BlobError) {
        var context = GoogleCredentialContext(
            environment: environment, requests: CredentialRequests(http: http),
            files: CredentialFiles(pool: blockingPool), clock: clock,
            signingAccount: configuration.signingAccount)
        if let text = configuration.iamEndpoint {
            // Tokens go there.
            guard let url = ServiceURL(text), url.isSecure || url.isLoopback, url.path == "/",
                url.query == nil
            else {
                throw BlobError(
                    .invalidArgument, "an IAM endpoint is written https://host, without a path")
            }
            context.iamEndpoint = GoogleIAMEndpoint(origin: String(url.text.dropLast()))
        }
        let choice: Choice =
            switch configuration.identity {
            case .applicationDefault(let file): .applicationDefault(file: file)
            case .anonymous: .anonymous
            }
        try self.init(choice, endpoint: configuration.endpoint, context: context)
    }
}
