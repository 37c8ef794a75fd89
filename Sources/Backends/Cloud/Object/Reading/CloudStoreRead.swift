internal import Backends
internal import BlobCore

extension CloudStore {
    /// Begins to read a blob. The first response tells size and version (CM-06); what follows is
    /// pinned to that version (CM-05) and fetched ahead, part by part, as memory allows.
    func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        guard options.ranges.count <= GetOptions.maximumRangeCount else {
            throw BlobError(.invalidArgument, "more than 1024 ranges in one call", uri: uri)
        }
        let deadline = CallDeadline(options.call)
        let first: FirstRequest
        do {
            first = try FirstRequest(
                options.ranges, partByteCount: settings.partByteCount,
                hasSuffixRanges: dialect.hasSuffixRanges)
        } catch {
            throw error.on(uri)
        }
        guard case .range(let header, let start) = first else {
            return try await readAfterHead(uri, options, deadline)
        }
        let reader = RangeReader(dialect: dialect, uri: uri, deadline: deadline)
        let response: HTTPResponse
        do throws(CloudFailure) {
            response = try await reader.open(header, options.conditions)
        } catch {
            // An empty blob has no first byte, and not every service tells the size here.
            if error.error.code == .rangeNotSatisfiable {
                return try await readAfterHead(uri, options, deadline)
            }
            throw error.error.on(uri)
        }
        do throws(BlobError) {
            let opened = try OpenedRange(
                response, start: start, wantsWhole: options.ranges.isEmpty, of: dialect.metadata,
                uri)
            let size = opened.metadata.byteCount
            let ranges = try Self.resolve(options.ranges, size: size)
            try opened.check(ranges, partByteCount: settings.partByteCount, uri)
            let isWhole = ranges == [0..<size] && opened.range == 0..<size
            let check = isWhole ? try dialect.readCheck(response.headers) : nil
            return BlobRead(
                metadata: opened.metadata, ranges: ranges,
                source: source(
                    reader, dialect.version(response.headers, etag: opened.metadata.etag), ranges,
                    opened, check))
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
        let metadata = try metadata(reply, uri)
        let ranges: [Range<UInt64>]
        do throws(BlobError) {
            ranges = try Self.resolve(options.ranges, size: metadata.byteCount)
        } catch {
            throw error.on(uri)
        }
        let reader = RangeReader(dialect: dialect, uri: uri, deadline: deadline)
        let version = dialect.version(reply.headers, etag: metadata.etag)
        return BlobRead(
            metadata: metadata, ranges: ranges, source: source(reader, version, ranges, nil, nil))
    }

    private func source(
        _ reader: RangeReader, _ version: PinnedVersion, _ ranges: [Range<UInt64>],
        _ opened: OpenedRange?, _ check: ReadCheck?
    ) -> ObjectSource {
        ObjectSource(
            reader: reader, version: version,
            plan: PartPlan(ranges: ranges, partByteCount: settings.partByteCount),
            opened: opened, check: check, memory: memory,
            maximumWindow: settings.concurrentPartCount)
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
