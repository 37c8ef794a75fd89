internal import Backends
public import BlobCore
public import LinuxIO

/// Blobs in Azure Blob Storage: `az://container/blob`, and the other forms that name the account that
/// is configured (AZ-01).
///
/// Holds the credentials; nothing it returns or throws contains them. docs/azure.md describes what it
/// asks of the service.
public final class AzureBackend: BlobStore {
    let service: AzureBlobService
    let dialect: AzureDialect
    let store: CloudStore
    let delegationKeys: AzureDelegationKeys

    /// Prepares everything; connects to nothing.
    ///
    /// - Parameter blockingPool: Computes checksums and reads files of credentials.
    /// - Throws: `invalidArgument` for a setting that cannot be.
    public convenience init(
        configuration: AzureConfiguration, blockingPool: BlockingPool
    ) throws(BlobError) {
        try self.init(
            configuration: configuration, blockingPool: blockingPool, environment: .process,
            engineSettings: HTTPEngineSettings(), policy: RetryPolicy())
    }

    /// - Parameters:
    ///   - copyByteCount: What is copied by one request; smaller for tests.
    ///   - credentials: Asked instead of what `configuration` says; for tests.
    init(
        configuration: AzureConfiguration, blockingPool: BlockingPool,
        environment: CredentialEnvironment, engineSettings: HTTPEngineSettings,
        policy: RetryPolicy, clock: WallClock = .system,
        timeouts: CloudTimeouts = CloudTimeouts(), allowsPlainTokensOnLoopback: Bool = false,
        copyByteCount: UInt64 = AzureLimits.copyByteCount,
        credentials: (any CredentialSource<AzureCredentials>)? = nil
    ) throws(BlobError) {
        let settings = try TransferSettings(
            partByteCount: configuration.partByteCount,
            concurrentPartCount: configuration.concurrentPartCount,
            memoryBudgetByteCount: configuration.memoryBudgetByteCount)
        let options = try AzureOptions(configuration)
        var environment = environment
        if let host = configuration.authorityHost {
            environment.variables[AzureVariable.authorityHost] = host
        }
        var (endpoint, identity) = try configuration.resolved(environment: environment)
        endpoint.allowsPlainTokensOnLoopback = allowsPlainTokensOnLoopback
        var engineSettings = engineSettings
        if let file = configuration.certificateFile { engineSettings.certificateFile = file }
        let engines = HTTPEnginePool(settings: engineSettings)
        let serviceClock = ServiceClock(clock)
        let correctedClock = WallClock { serviceClock.now }
        let context = AzureCredentialContext(
            environment: environment,
            requests: CredentialRequests(http: EngineCredentialHTTP(engines: engines)),
            files: CredentialFiles(pool: blockingPool), clock: correctedClock, endpoint: endpoint)
        service = AzureBlobService(
            endpoint: endpoint,
            credentials: credentials ?? AzureCredentialChain(identity, context: context),
            clock: serviceClock)
        let client = CloudClient(
            service: service, engines: engines, policy: policy, timeouts: timeouts)
        delegationKeys = AzureDelegationKeys(
            clock: correctedClock, sender: AzureDelegationKeyClient(client: client))
        dialect = AzureDialect(
            client: client, service: service, options: options, hashing: blockingPool,
            copyByteCount: copyByteCount)
        // Nothing that was left half-open could be given up.
        store = CloudStore(
            dialect: dialect, settings: settings, hashing: blockingPool, journal: nil)
    }

    /// Ends the connections. Calls that run fail with `shuttingDown`.
    public func close() async {
        delegationKeys.close()
        await store.close()
    }

    var client: CloudClient { dialect.client }

    /// Everything; parts have no entity tags.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        Capabilities(
            operations: BlobOperation.ofBlobs.subtracting([.info]),
            features: [.createOnlyPut, .conditionalPut, .userMetadata, .httpPresign],
            limits: AzureLimits.limits)
    }

    /// The metadata of a blob by one HEAD request (AZ-11).
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

    /// Writes a blob: by one request when it fits into a part, else in blocks that move in parallel.
    /// Either way it appears whole or not at all (W-73).
    public func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        try await store.put(uri, body: body, options: options)
    }

    /// Begins an upload, without a request: its name holds all that completion needs.
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
    /// by its commit token (AZ-06). A write of the same blob that came first drops the parts:
    /// `conflict` (AZ-08).
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        try await store.completeMultipartUpload(upload, parts: parts, options: options)
    }

    /// Gives an upload up; an unknown one counts as given up (W-84). This server takes nothing more
    /// for it; signed URLs work until they end.
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        try await store.abortMultipartUpload(upload, options: options)
    }

    /// The parts that the service has, in pages (W-82).
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        try await dialect.listParts(upload, after: afterPartNumber, options)
    }

    /// One page by List Blobs, in the service's order (W-76).
    public func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        try await AzureListing(prefix, options).page(by: client)
    }
}
