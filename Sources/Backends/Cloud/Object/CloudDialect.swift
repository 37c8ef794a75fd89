internal import Backends
internal import BlobCore

/// How a service reads and writes blobs: the headers it knows, and the steps of an upload.
/// `CloudStore` says when.
protocol CloudDialect: Sendable {
    var client: CloudClient { get }
    var limits: Capabilities.Limits { get }
    /// How metadata is written in headers.
    var metadata: MetadataHeaders { get }

    // MARK: Reading

    /// The header that names a range.
    var rangeHeaderName: String { get }
    /// Whether the last bytes of a blob can be asked for without knowing its size.
    var hasSuffixRanges: Bool { get }
    /// With every request that reads a blob or looks at it.
    var readHeaders: HTTPHeaders { get }
    /// With the first request of a read, so that the answer comes with a checksum.
    var checksumRequestHeaders: HTTPHeaders { get }

    /// What keeps a read at the version of which `headers` came.
    func version(_ headers: HTTPHeaders, etag: String) -> PinnedVersion

    /// Checks a whole blob by what `headers` say about all its bytes; nil when they say nothing.
    func readCheck(_ headers: HTTPHeaders) throws(BlobError) -> ReadCheck?

    /// Asks whether there is a container where a HEAD of a blob does not say so (CM-09); nil where it
    /// does. The proof that there is none is its failure with 404 when it is about the container, and
    /// else with the code for that.
    func containerRequest(_ uri: BlobURI) -> CloudRequest?

    // MARK: Writing

    /// The request that writes a blob by itself, with its condition.
    func putRequest(_ pieces: [Bytes], _ write: CloudWrite) async throws(BlobError) -> CloudRequest

    /// Begins to write a blob in order, where parts that move in parallel could not keep the write's
    /// condition; nil where they can.
    func beginOrderedUpload(
        _ write: CloudWrite
    ) async throws(BlobError) -> (any OrderedUpload)?

    /// Whether a part is known by the entity tag that its upload got.
    var partsHaveEntityTags: Bool { get }

    /// Begins an upload and returns the service's own name for it.
    func beginUpload(_ upload: NewUpload) async throws(CloudFailure) -> String

    /// Uploads one part; the same part can be sent again (S3-15).
    func uploadPart(_ part: PartUpload) async throws(CloudFailure) -> StoredPart

    /// Makes the blob of `parts`, which are in order; of none an empty one. A condition that does not
    /// hold fails as `preconditionFailed`.
    func finishUpload(
        _ upload: CloudUpload, _ parts: [StoredPart], _ write: CloudWrite
    ) async throws(CloudFailure) -> FinishedUpload

    /// Gives an upload up; an unknown one counts as given up (W-84).
    func abandonUpload(
        _ upload: CloudUpload, deadline: CallDeadline
    ) async throws(CloudFailure)
}

extension CloudDialect {
    var rangeHeaderName: String { "range" }
    var hasSuffixRanges: Bool { true }
    var readHeaders: HTTPHeaders { HTTPHeaders() }
    var checksumRequestHeaders: HTTPHeaders { HTTPHeaders() }
    var partsHaveEntityTags: Bool { true }

    /// By the entity tag. CM-04: a weak one can belong to other bytes.
    func version(_ headers: HTTPHeaders, etag: String) -> PinnedVersion {
        var version = PinnedVersion(etag: etag)
        if EntityTag.isStrong(etag) {
            var pin = HTTPHeaders()
            pin.append("if-match", etag)
            version.pin = pin
        }
        return version
    }

    func readCheck(_ headers: HTTPHeaders) throws(BlobError) -> ReadCheck? { nil }

    func containerRequest(_ uri: BlobURI) -> CloudRequest? { nil }

    func beginOrderedUpload(
        _ write: CloudWrite
    ) async throws(BlobError) -> (any OrderedUpload)? { nil }
}
