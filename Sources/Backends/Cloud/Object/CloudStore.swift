internal import Backends
internal import BlobCore
internal import LinuxIO

/// What all cloud stores do alike: reads in parts that are fetched ahead, writes in parts that move in
/// parallel, uploads that are given up when something fails. The service's own ways come from its
/// dialect.
final class CloudStore: Sendable {
    let dialect: any CloudDialect
    let settings: TransferSettings
    let memory: MemoryBudget
    let hashing: BlockingPool
    let background = BackgroundWork()
    private let journal: UploadJournal?

    /// Connects only when a process before this one left uploads half-open.
    ///
    /// - Parameters:
    ///   - hashing: Where checksums are computed.
    ///   - journal: Where uploads are noted; nil where there is nothing to give up.
    init(
        dialect: any CloudDialect, settings: TransferSettings, hashing: BlockingPool,
        journal: UploadJournal?
    ) {
        self.dialect = dialect
        self.settings = settings
        self.hashing = hashing
        self.journal = journal
        // Half is lent to blobs; what the connections hold at each end and the process itself need
        // is of the same order (docs/benchmarks.md).
        memory = MemoryBudget(
            byteCount: max(settings.memoryBudgetByteCount / 2, settings.partByteCount))
        if let journal { clearAbandonedUploads(journal) }
    }

    /// Waits for what has to be given up, then ends the connections. Calls that run fail with
    /// `shuttingDown`. What could not be given up is the next process's from then on.
    func close() async {
        await background.finish()
        await dialect.client.close()
        journal?.close()
    }

    // MARK: Looking at blobs

    /// The metadata of a blob by one HEAD request; where that does not tell whether there is a
    /// container, one more when there is no blob (CM-09).
    func head(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobMetadata {
        try metadata(try await headReply(uri, options, CallDeadline(options.call)), uri)
    }

    func headReply(
        _ uri: BlobURI, _ options: GetOptions, _ deadline: CallDeadline
    ) async throws(BlobError) -> CloudReply {
        try await dialect.headReply(uri, options, deadline)
    }

    /// What the answer to a HEAD says.
    func metadata(_ reply: CloudReply, _ uri: BlobURI) throws(BlobError) -> BlobMetadata {
        try dialect.metadata.metadata(reply.headers, byteCount: try size(reply, uri), of: uri)
    }

    func size(_ reply: CloudReply, _ uri: BlobURI) throws(BlobError) -> UInt64 {
        guard let size = reply.headers["content-length"].flatMap(ByteCount.parse) else {
            throw BlobError(
                .backendUnavailable, "the service does not say how large the blob is", uri: uri,
                origin: .backend)
        }
        return size
    }

    // MARK: Uploads of processes before this one

    /// Notes an upload of ours that is about to get its parts.
    func note(_ upload: CloudUpload) async -> UploadJournal.Entry? {
        guard let journal else { return nil }
        let note = UploadJournal.Note(uri: upload.uri, uploadID: upload.uploadID)
        return try? await PoolHops(pool: hashing).run(on: upload.uri) { journal.begin(note) }
    }

    private func clearAbandonedUploads(_ journal: UploadJournal) {
        background.start {
            for abandoned in journal.abandoned() {
                for (note, entry) in abandoned.entries {
                    let upload = CloudUpload(uri: note.uri, uploadID: note.uploadID)
                    if await self.giveUp(upload) { entry.end() }
                }
                journal.remove(abandoned)
            }
        }
    }
}
