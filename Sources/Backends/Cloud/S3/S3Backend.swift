internal import Backends
public import BlobCore
public import LinuxIO

/// Blobs in Amazon S3 and services that speak its protocol: `s3://bucket/key`.
///
/// Holds the credentials; nothing it returns or throws contains them. docs/s3.md describes what it
/// asks of the service.
public final class S3Backend: BlobStore {
    let service: S3Service
    let dialect: S3Dialect
    let store: CloudStore

    /// Prepares everything; connects only when a process before this one left uploads half-open.
    ///
    /// - Parameter blockingPool: Computes checksums and runs credential programs.
    /// - Throws: `invalidArgument` for a setting that cannot be.
    public convenience init(
        configuration: S3Configuration, blockingPool: BlockingPool
    ) throws(BlobError) {
        try self.init(
            configuration: configuration, blockingPool: blockingPool, environment: .process,
            engineSettings: HTTPEngineSettings(), policy: RetryPolicy())
    }

    /// - Parameter credentials: Asked instead of what `configuration` says; for tests.
    init(
        configuration: S3Configuration, blockingPool: BlockingPool,
        environment: CredentialEnvironment, engineSettings: HTTPEngineSettings,
        policy: RetryPolicy, clock: WallClock = .system,
        timeouts: CloudTimeouts = CloudTimeouts(),
        credentials: (any CredentialSource<AWSCredentials>)? = nil
    ) throws(BlobError) {
        let settings = try TransferSettings(
            partByteCount: configuration.partByteCount,
            concurrentPartCount: configuration.concurrentPartCount,
            memoryBudgetByteCount: configuration.memoryBudgetByteCount)
        // Others are found, and checked, when they are needed.
        if let region = configuration.region, !S3Endpoint.isRegionName(region) {
            throw BlobError(.invalidArgument, "'\(region.prefix(64))' is no region")
        }
        let endpoint = try S3Endpoint(configuration)
        let options = try S3Options(configuration)
        var engineSettings = engineSettings
        if let file = configuration.certificateFile { engineSettings.certificateFile = file }
        let engines = HTTPEnginePool(settings: engineSettings)
        let identity = try S3Identity(
            configuration, environment: environment,
            http: EngineCredentialHTTP(engines: engines), blockingPool: blockingPool, clock: clock)
        let regionSource = identity.regionSource
        service = S3Service(
            endpoint: endpoint, credentials: credentials ?? identity.credentials,
            regions: S3Regions { () throws(BlobError) in try await regionSource.region() },
            commonHeaders: options.common, clock: clock)
        dialect = S3Dialect(
            client: CloudClient(
                service: service, engines: engines, policy: policy, timeouts: timeouts),
            options: options,
            checksum: S3ChecksumKind(configuration.checksum, isAWS: endpoint.isAWS),
            signsPayload: endpoint.isPlain, hashing: blockingPool)
        let journal: UploadJournal? =
            if let path = configuration.journalDirectory {
                try UploadJournal(path: path, scheme: .s3, endpointName: endpoint.name)
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
            limits: S3Limits.limits)
    }

    /// The metadata of a blob by one HEAD request; one more when there is no blob, to tell whether
    /// there is a bucket (CM-09).
    public func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        try await store.head(uri, options: options)
    }

    /// Begins to read a blob. The first response tells size and version (CM-06); what follows is
    /// pinned to that version (CM-05) and fetched ahead, part by part, as memory allows.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        try await store.read(uri, options: options)
    }

    /// Writes a blob: by one request when it fits into a part, else in parts that move in parallel.
    /// Either way it appears whole or not at all (W-73).
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
    /// by its commit token (S3-11).
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

    /// One page by ListObjectsV2, whose order is the bytes' own (W-76).
    public func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        try await BucketListing(prefix, options).page(by: client)
    }
}
