public import BlobCore
internal import CFileShims
internal import Glibc
internal import LinuxIO

/// Blobs as files below configured root directories: `file:///root/path/of/blob`.
///
/// Reads of what lies in the page cache are served on the caller's thread and never block it;
/// everything else runs on the blocking pool. docs/local-backend.md has the rules of the keys, what
/// is assumed of the file system and what other programs sharing it must keep to.
public final class LocalBackend: BlobStore {
    let roots: LocalRootSet
    let hops: PoolHops
    let configuration: LocalBackendConfiguration

    /// Opens the roots and removes what dead processes left in their staging directories; blocks.
    ///
    /// - Throws: `invalidArgument` for a root that is no absolute path; `notFound` or
    ///   `permissionDenied` for one that cannot be opened.
    public init(configuration: LocalBackendConfiguration) throws(BlobError) {
        var roots: [LocalRoot] = []
        for path in configuration.roots {
            roots.append(try LocalRoot(path: path, configuration: configuration))
        }
        self.roots = LocalRootSet(roots)
        self.configuration = configuration
        hops = PoolHops(pool: configuration.blockingPool)
    }

    var publisher: Publisher {
        Publisher(
            durability: configuration.durability, directoryMode: configuration.directoryMode)
    }

    /// Everything but plain HTTP URLs; content types and metadata where the file system keeps them.
    public func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        let root = try roots.locatePrefix(uri).root
        var features: Capabilities.Features = [
            .createOnlyPut, .conditionalPut, .hierarchicalKeys,
        ]
        if root.keepsAttributes { features.insert(.userMetadata) }
        return Capabilities(
            operations: Self.operations, features: features,
            limits: Capabilities.Limits(
                maximumBlobByteCount: UInt64(Int64.max), maximumPartByteCount: UInt64(Int64.max),
                minimumPartByteCount: 0, maximumPartCount: UploadRules.maximumPartCount,
                maximumPresignSeconds: nil))
    }

    private static let operations = BlobOperation.ofBlobs
        .subtracting([.info, .presignHead, .presignDelete])

    /// Size, entity tag, times and stored metadata of the file.
    public func head(
        _ uri: BlobURI, options: GetOptions
    ) async throws(BlobError) -> BlobMetadata {
        let path = try roots.locate(uri)
        if let resolution = path.root.cachedResolution {
            do {
                let metadata = try Self.head(path, resolution)
                if let metadata { return try Self.checked(metadata, options, uri) }
            } catch {
                throw error.on(uri)
            }
        }
        let metadata = try await hops.run(on: uri) { () throws(BlobError) in
            try Self.head(path, path.root.resolution)
        }
        // Nil stands for "would block", which the pool never says.
        guard let metadata else { throw FileFailure.error(EAGAIN, "opening the blob", .read) }
        return try Self.checked(metadata, options, uri)
    }

    /// Opens the file once; all ranges are of that file, whatever happens to the name (FS-07,
    /// W-72).
    ///
    /// The source is a `LocalFileSource`: a server can take the open file from it.
    public func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        let path = try roots.locate(uri)
        guard options.ranges.count <= GetOptions.maximumRangeCount else {
            throw BlobError(.invalidArgument, "more than 1024 ranges in one call", uri: uri)
        }
        var opened: OpenedBlob?
        if let resolution = path.root.cachedResolution {
            do {
                opened = try Self.open(path, resolution)
            } catch {
                throw error.on(uri)
            }
        }
        if opened == nil {
            opened = try await hops.run(on: uri) { () throws(BlobError) in
                try Self.open(path, path.root.resolution)
            }
        }
        guard let opened else { throw FileFailure.error(EAGAIN, "opening the blob", .read) }
        let metadata = try Self.checked(opened.metadata, options, uri)
        let ranges = try Self.resolve(options.ranges, size: metadata.byteCount, uri)
        let regions = FileRegions(
            descriptor: opened.descriptor, regions: ranges, status: opened.status)
        return BlobRead(
            metadata: metadata, ranges: ranges,
            source: LocalFileSource(
                uri: uri, fileRegions: regions, hops: hops,
                usesCache: path.root.cachedResolution != nil))
    }

    struct OpenedBlob: Sendable {
        var descriptor: SharedDescriptor
        var status: FileStatus
        var metadata: BlobMetadata
    }

    /// Nil when it would block.
    private static func head(
        _ path: LocalPath, _ resolution: Int32
    ) throws(BlobError) -> BlobMetadata? {
        guard let (status, attributes) = try look(at: path, resolution) else { return nil }
        return metadata(status, attributes)
    }

    /// Status and attributes of a file; nil when it would block.
    static func look(
        at path: LocalPath, _ resolution: Int32
    ) throws(BlobError) -> (status: FileStatus, attributes: BlobAttributes?)? {
        var status = FileStatus()
        var attribute: UnsafeRawPointer?
        var attributeByteCount = 0
        let outcome = path.withRelativePath {
            cfile_head(
                path.root.directory.rawValue, $0, resolution, &status, &attribute,
                &attributeByteCount)
        }
        if outcome == -EAGAIN { return nil }
        try FileFailure.check(outcome, "opening the blob", .read)
        try status.requireRegularFile()
        return (
            status,
            attributes(UnsafeRawBufferPointer(start: attribute, count: attributeByteCount))
        )
    }

    /// Nil when it would block.
    static func open(
        _ path: LocalPath, _ resolution: Int32
    ) throws(BlobError) -> OpenedBlob? {
        var status = FileStatus()
        var attribute: UnsafeRawPointer?
        var attributeByteCount = 0
        let outcome = path.withRelativePath {
            cfile_open_for_reading(
                path.root.directory.rawValue, $0, resolution, &status, &attribute,
                &attributeByteCount)
        }
        if outcome == -EAGAIN { return nil }
        try FileFailure.check(outcome, "opening the blob", .read)
        let descriptor = SharedDescriptor(owning: outcome)
        try status.requireRegularFile()
        return OpenedBlob(
            descriptor: descriptor, status: status,
            metadata: metadata(
                status,
                attributes(UnsafeRawBufferPointer(start: attribute, count: attributeByteCount))))
    }

    private static func attributes(_ attribute: UnsafeRawBufferPointer) -> BlobAttributes? {
        attribute.isEmpty ? nil : BlobAttributes(decoding: attribute)
    }

    private static func metadata(
        _ status: FileStatus, _ attributes: BlobAttributes?
    ) -> BlobMetadata {
        BlobMetadata(
            byteCount: status.byte_count, etag: status.etag, lastModified: status.lastModified,
            contentType: attributes?.contentType, userMetadata: attributes?.userMetadata ?? [:])
    }

    /// W-70: the conditions of a read.
    private static func checked(
        _ metadata: BlobMetadata, _ options: GetOptions, _ uri: BlobURI
    ) throws(BlobError) -> BlobMetadata {
        if let etag = options.ifMatch, etag != metadata.etag {
            throw BlobError(
                .preconditionFailed, "the blob does not have the entity tag asked for", uri: uri,
                origin: .backend)
        }
        if let etag = options.ifNoneMatch, etag == metadata.etag {
            throw BlobError(
                .notModified, "the blob still has the entity tag given", uri: uri,
                origin: .backend)
        }
        return metadata
    }

    /// CM-01, W-71: empty ranges stay empty, ends are cut off, starts past the end are refused.
    private static func resolve(
        _ ranges: [ByteRange], size: UInt64, _ uri: BlobURI
    ) throws(BlobError) -> [Range<UInt64>] {
        if ranges.isEmpty { return [0..<size] }
        var resolved: [Range<UInt64>] = []
        resolved.reserveCapacity(ranges.count)
        do {
            for range in ranges { resolved.append(try range.resolved(size: size)) }
        } catch {
            throw error.on(uri)
        }
        return resolved
    }
}
