internal import Backends
public import BlobCore

extension S3Backend {
    /// Begins to read a blob. The first response tells size and version (CM-06); what follows is
    /// pinned to that version (CM-05) and fetched ahead, part by part, as memory allows.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        guard options.ranges.count <= GetOptions.maximumRangeCount else {
            throw BlobError(.invalidArgument, "more than 1024 ranges in one call", uri: uri)
        }
        let deadline = CallDeadline(options.call)
        let first: S3FirstRequest
        do {
            first = try S3FirstRequest(options.ranges, partByteCount: configuration.partByteCount)
        } catch {
            throw error.on(uri)
        }
        guard case .range(let header, let start) = first else {
            return try await readAfterHead(uri, options, deadline)
        }
        let reader = S3RangeReader(
            client: client, uri: uri, customerKey: self.options.customerKey, deadline: deadline)
        let response: HTTPResponse
        do throws(S3Failure) {
            response = try await reader.open(
                header, ifMatch: options.ifMatch, ifNoneMatch: options.ifNoneMatch,
                wantsChecksum: checksum != nil)
        } catch {
            // An empty blob has no first byte, and not every service tells the size here.
            if error.error.code == .rangeNotSatisfiable {
                return try await readAfterHead(uri, options, deadline)
            }
            throw error.error.on(uri)
        }
        do throws(BlobError) {
            let opened = try S3OpenedRange(
                response, start: start, wantsWhole: options.ranges.isEmpty, uri)
            let ranges = try Self.resolve(options.ranges, size: opened.metadata.byteCount)
            try opened.check(ranges, partByteCount: configuration.partByteCount, uri)
            let isWhole = ranges == [0..<opened.metadata.byteCount]
            let check = checksum != nil && isWhole ? try S3ReadCheck(opened) : nil
            return BlobRead(
                metadata: opened.metadata, ranges: ranges,
                source: source(reader, opened.metadata, ranges, opened, check))
        } catch {
            response.cancel()
            throw error.on(uri)
        }
    }

    /// For ranges whose first has no bytes or whose place is not known without the size (CM-01).
    private func readAfterHead(
        _ uri: BlobURI, _ options: GetOptions, _ deadline: CallDeadline
    ) async throws(BlobError) -> BlobRead {
        let reply = try await headReply(uri, options, deadline)
        guard let metadata = S3Metadata.metadata(reply.headers, byteCount: try size(reply, uri))
        else { throw Self.noEntityTag(uri) }
        let ranges: [Range<UInt64>]
        do throws(BlobError) {
            ranges = try Self.resolve(options.ranges, size: metadata.byteCount)
        } catch {
            throw error.on(uri)
        }
        let reader = S3RangeReader(
            client: client, uri: uri, customerKey: self.options.customerKey, deadline: deadline)
        return BlobRead(
            metadata: metadata, ranges: ranges, source: source(reader, metadata, ranges, nil, nil))
    }

    private func source(
        _ reader: S3RangeReader, _ metadata: BlobMetadata, _ ranges: [Range<UInt64>],
        _ opened: S3OpenedRange?, _ check: S3ReadCheck?
    ) -> S3ObjectSource {
        S3ObjectSource(
            reader: reader, etag: metadata.etag,
            plan: S3PartPlan(ranges: ranges, partByteCount: configuration.partByteCount),
            opened: opened, check: check, memory: memory,
            maximumWindow: configuration.concurrentPartCount)
    }

    /// CM-01, W-71
    private static func resolve(
        _ ranges: [ByteRange], size: UInt64
    ) throws(BlobError) -> [Range<UInt64>] {
        if ranges.isEmpty { return [0..<size] }
        var resolved: [Range<UInt64>] = []
        resolved.reserveCapacity(ranges.count)
        for range in ranges { resolved.append(try range.resolved(size: size)) }
        return resolved
    }
}

/// How a read begins.
enum S3FirstRequest: Equatable {
    /// By asking for the size.
    case head
    /// With the value of a `Range` header; `start` is nil for the last bytes of the blob.
    case range(String, start: UInt64?)

    /// Services compute with 63 bits.
    private static let maximumStart: UInt64 = 1 << 62

    init(_ ranges: [ByteRange], partByteCount: Int) throws(BlobError) {
        let partByteCount = UInt64(partByteCount)
        switch ranges.first ?? .from(0) {
        case .bounded(let start, let end):
            guard start <= end else {
                throw BlobError(.invalidArgument, "range end \(end) lies before start \(start)")
            }
            guard start < end, start < Self.maximumStart else {
                self = .head
                return
            }
            let last = min(end - 1, start + partByteCount - 1)
            self = .range("bytes=\(start)-\(last)", start: start)
        case .from(let start):
            self =
                start < Self.maximumStart
                ? .range("bytes=\(start)-\(start + partByteCount - 1)", start: start) : .head
        case .suffix(let byteCount):
            self =
                (1...partByteCount).contains(byteCount)
                ? .range("bytes=-\(byteCount)", start: nil) : .head
        }
    }
}

/// The first response of a read, checked.
struct S3OpenedRange: Sendable {
    var metadata: BlobMetadata
    /// What the response's body holds.
    var range: Range<UInt64>
    var response: HTTPResponse

    /// CM-02: a whole blob is only taken for a range when the whole is wanted.
    init(
        _ response: HTTPResponse, start: UInt64?, wantsWhole: Bool, _ uri: BlobURI
    ) throws(BlobError) {
        let headers = response.headers
        let size: UInt64
        if response.status == 206 {
            guard let content = headers["content-range"].flatMap(S3ContentRange.init),
                let range = content.range, let total = content.size,
                range.lowerBound == start ?? range.lowerBound,
                start != nil || range.upperBound == total
            else { throw Self.unusable("a range that was not asked for", uri) }
            self.range = range
            size = total
        } else {
            guard response.status == 200, wantsWhole,
                let total = headers["content-length"].flatMap({ S3ByteCount.parse($0) })
            else { throw Self.unusable("the whole blob to a request for a range", uri) }
            range = 0..<total
            size = total
        }
        guard let metadata = S3Metadata.metadata(headers, byteCount: size) else {
            throw S3Backend.noEntityTag(uri)
        }
        self.metadata = metadata
        self.response = response
    }

    /// CM-02: exactly the first part of what was asked for; only now that the size is known, it is
    /// known where the last bytes of a blob begin.
    func check(
        _ ranges: [Range<UInt64>], partByteCount: Int, _ uri: BlobURI
    ) throws(BlobError) {
        guard response.status == 206 else { return }
        var plan = S3PartPlan(ranges: ranges, partByteCount: partByteCount)
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

/// Cuts the ranges of a read into the parts it is fetched in.
struct S3PartPlan: Sendable {
    private let ranges: [Range<UInt64>]
    private let partByteCount: UInt64
    private var index = 0
    private var offset: UInt64 = 0

    init(ranges: [Range<UInt64>], partByteCount: Int) {
        self.ranges = ranges
        self.partByteCount = UInt64(partByteCount)
    }

    /// The next part, never empty, of at most `maximumByteCount`; nil after the last.
    mutating func next(maximumByteCount: UInt64? = nil) -> Range<UInt64>? {
        while index < ranges.count {
            let range = ranges[index]
            let start = range.lowerBound + offset
            guard start < range.upperBound else {
                index += 1
                offset = 0
                continue
            }
            let byteCount = min(
                range.upperBound - start, maximumByteCount ?? partByteCount)
            offset += byteCount
            return start..<(start + byteCount)
        }
        return nil
    }
}
