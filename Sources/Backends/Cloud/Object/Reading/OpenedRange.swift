internal import BlobCore

/// The first response of a read, checked.
struct OpenedRange: Sendable {
    var metadata: BlobMetadata
    /// What the response's body holds.
    var range: Range<UInt64>
    var response: HTTPResponse

    /// CM-02: a whole blob is only taken for a range when the whole is wanted.
    init(
        _ response: HTTPResponse, start: UInt64?, wantsWhole: Bool, of metadata: MetadataHeaders,
        _ uri: BlobURI
    ) throws(BlobError) {
        let headers = response.headers
        let size: UInt64
        if response.status == 206 {
            guard let content = headers["content-range"].flatMap(ContentRange.init),
                let range = content.range, let total = content.size,
                range.lowerBound == start ?? range.lowerBound,
                start != nil || range.upperBound == total
            else { throw Self.unusable("a range that was not asked for", uri) }
            self.range = range
            size = total
        } else {
            guard response.status == 200, wantsWhole,
                let total = headers["content-length"].flatMap({ ByteCount.parse($0) })
            else { throw Self.unusable("the whole blob to a request for a range", uri) }
            range = 0..<total
            size = total
        }
        self.metadata = try metadata.metadata(headers, byteCount: size, of: uri)
        self.response = response
    }

    /// CM-02: exactly the first part of what was asked for; only now that the size is known, it is
    /// known where the last bytes of a blob begin.
    func check(
        _ ranges: [Range<UInt64>], partByteCount: Int, _ uri: BlobURI
    ) throws(BlobError) {
        guard response.status == 206 else { return }
        var plan = PartPlan(ranges: ranges, partByteCount: partByteCount)
        guard range == plan.next() else {
            throw Self.unusable("a range that was not asked for", uri)
        }
    }

    static func unusable(_ what: String, _ uri: BlobURI) -> BlobError {
        var error = BlobError(
            .backendUnavailable, "reading the blob failed: the service answered with \(what)",
            uri: uri, origin: .backend)
        error.retry = .never
        return error
    }
}
