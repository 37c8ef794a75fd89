internal import Backends
public import BlobCore
public import LinuxIO

/// Blobs in Amazon S3 and services that speak its protocol: `s3://bucket/key`.
///
/// Holds the credentials; nothing it returns or throws contains them. docs/s3.md describes what it
/// asks of the service.
public final class S3Backend: BlobStore {
    let configuration: S3Configuration
    let endpoint: S3Endpoint
    let options: S3Options
    let client: S3Client
    let memory: MemoryBudget
    let hashing: BlockingPool
    let checksum: S3ChecksumKind?
    let journal: S3UploadJournal?
    let background = BackgroundWork()

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
        policy: RetryPolicy, clock: WallClock = .system, timeouts: S3Timeouts = S3Timeouts(),
        credentials: (any CredentialSource<AWSCredentials>)? = nil
    ) throws(BlobError) {
        guard configuration.partByteCount >= Int(S3Limits.minimumPartByteCount),
            configuration.partByteCount <= 1 << 30
        else {
            throw BlobError(.invalidArgument, "partByteCount must be 5 MiB to 1 GiB")
        }
        guard (1...256).contains(configuration.concurrentPartCount) else {
            throw BlobError(.invalidArgument, "concurrentPartCount must be 1 to 256")
        }
        guard configuration.memoryBudgetByteCount > 0 else {
            throw BlobError(.invalidArgument, "memoryBudgetByteCount must be positive")
        }
        // Others are found, and checked, when they are needed.
        if let region = configuration.region, !S3Endpoint.isRegionName(region) {
            throw BlobError(.invalidArgument, "'\(region.prefix(64))' is no region")
        }
        self.configuration = configuration
        endpoint = try S3Endpoint(configuration)
        options = try S3Options(configuration)
        // Half is lent to blobs; what the connections hold at each end and the process itself need
        // is of the same order (docs/benchmarks.md).
        memory = MemoryBudget(
            byteCount: max(
                configuration.memoryBudgetByteCount / 2, configuration.partByteCount))
        hashing = blockingPool
        checksum = S3ChecksumKind(configuration.checksum, isAWS: endpoint.isAWS)
        var engineSettings = engineSettings
        if let file = configuration.certificateFile { engineSettings.certificateFile = file }
        let engines = HTTPEnginePool(settings: engineSettings)
        let identity = try S3Identity(
            configuration, environment: environment,
            http: EngineCredentialHTTP(engines: engines), blockingPool: blockingPool, clock: clock)
        let regionSource = identity.regionSource
        client = S3Client(
            S3Client.Parts(
                endpoint: endpoint, engines: engines,
                credentials: credentials ?? identity.credentials,
                regions: S3Regions { () throws(BlobError) in try await regionSource.region() },
                commonHeaders: options.common,
                policy: policy, clock: clock, timeouts: timeouts))
        journal =
            if let path = configuration.journalDirectory {
                try S3UploadJournal(path: path, endpointName: endpoint.name)
            } else {
                nil
            }
        clearAbandonedUploads()
    }

    /// Ends the connections. Calls that run fail with `shuttingDown`.
    public func close() async {
        await background.finish()
        client.parts.credentials?.close()
        client.parts.engines.close()
    }

    /// Everything; what the service itself lacks shows when it is asked.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        Capabilities(
            operations: Set(BlobOperation.allCases.filter { $0 != .info }),
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
        let reply = try await headReply(uri, options, CallDeadline(options.call))
        guard let metadata = S3Metadata.metadata(reply.headers, byteCount: try size(reply, uri))
        else { throw Self.noEntityTag(uri) }
        return metadata
    }

    func headReply(
        _ uri: BlobURI, _ options: GetOptions, _ deadline: CallDeadline
    ) async throws(BlobError) -> S3Reply {
        var request = S3Request(.head, uri, "looking at the blob")
        request.headers.append(self.options.customerKey)
        if let etag = options.ifMatch { request.headers.append("if-match", etag) }
        if let etag = options.ifNoneMatch { request.headers.append("if-none-match", etag) }
        do throws(S3Failure) {
            return try await client.reply(request, deadline: deadline)
        } catch {
            if error.status == 404 { try await checkBucket(of: uri, deadline) }
            throw error.error.on(uri)
        }
    }

    /// A HEAD that finds nothing has no body to say what is missing: the blob or its bucket.
    private func checkBucket(
        of uri: BlobURI, _ deadline: CallDeadline
    ) async throws(BlobError) {
        let request = S3Request(.head, uri.replacingKey(""), "looking at the bucket")
        do throws(S3Failure) {
            _ = try await client.reply(request, deadline: deadline)
        } catch {
            // Only a clear no counts: who may read blobs may not be allowed to ask about buckets.
            guard error.status == 404 else { return }
            throw BlobError(
                .containerNotFound, "there is no such bucket", uri: uri, origin: .backend)
        }
    }

    func size(_ reply: S3Reply, _ uri: BlobURI) throws(BlobError) -> UInt64 {
        guard let size = reply.headers["content-length"].flatMap(S3ByteCount.parse) else {
            throw BlobError(
                .backendUnavailable, "the service does not say how large the blob is", uri: uri,
                origin: .backend)
        }
        return size
    }

    static func noEntityTag(_ uri: BlobURI) -> BlobError {
        var error = BlobError(
            .backendUnavailable, "the service gives no entity tag; it cannot be used", uri: uri,
            origin: .backend)
        error.retry = .never
        return error
    }
}

/// Sizes and counts of Amazon S3, from its user guide.
enum S3Limits {
    static let minimumPartByteCount: UInt64 = 5 << 20
    static let maximumPartByteCount: UInt64 = 5 << 30
    static let maximumPartCount: UInt32 = 10_000
    static let maximumCopyByteCount: UInt64 = 5 << 30
    static let maximumDeleteCount = 1000

    static let limits = Capabilities.Limits(
        maximumBlobByteCount: maximumPartByteCount * UInt64(maximumPartCount),
        maximumPartByteCount: maximumPartByteCount, minimumPartByteCount: minimumPartByteCount,
        maximumPartCount: maximumPartCount, maximumPresignSeconds: PresignOptions.maximumSeconds)
}
