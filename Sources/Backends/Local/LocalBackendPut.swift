public import BlobCore
internal import CFileShims
internal import Glibc

extension LocalBackend {
    /// Writes to a hidden file and renames it when it is complete (FS-02, IX6, W-73).
    public func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        let path = try roots.locate(uri)
        let attributes = try Self.attributes(options.contentType, options.userMetadata, uri)
        let expected = options.expectedSHA256
        if let expected, expected.count != SHA256Digest.byteCount {
            throw BlobError(.invalidArgument, "a SHA-256 has 32 bytes", uri: uri)
        }
        let hashed = body.hashedSource
        let file = StagedFile(
            in: path.root,
            computesSHA256: options.computesSHA256 || expected != nil || hashed != nil)
        let publication = Publication(
            publisher: publisher, path: path, attributes: attributes,
            condition: options.condition)
        let writer = BodyWriter(hops: hops, uri: uri, deadline: CallDeadline(options.call))
        var result = try await writer.write(body, to: file) { () throws(BlobError) in
            var publication = publication
            publication.expectedSHA256 = expected
            if expected == nil, let hashed { publication.expectedSHA256 = try hashed.sha256() }
            return try publication.publish(file)
        }
        if !options.computesSHA256 { result.sha256 = nil }
        return result
    }

    /// Copies within the roots (W-77); the kernel shares the blocks where the file system can.
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let sourcePath = try roots.locate(source)
        let path = try roots.locate(destination)
        let deadline = CallDeadline(options.call)
        let opened = try await hops.run(on: source) { () throws(BlobError) in
            let opened = try Self.open(sourcePath, sourcePath.root.resolution)
            guard let opened else { throw FileFailure.error(EAGAIN, "opening the blob", .read) }
            if let etag = options.ifSourceMatch, etag != opened.metadata.etag {
                throw BlobError(
                    .preconditionFailed, "the source does not have the entity tag asked for",
                    origin: .backend)
            }
            return opened
        }
        let file = StagedFile(in: path.root, computesSHA256: false)
        let publication = Publication(
            publisher: publisher, path: path,
            attributes: BlobAttributes(
                contentType: opened.metadata.contentType,
                userMetadata: opened.metadata.userMetadata),
            condition: options.condition, expectedSHA256: nil)
        do throws(BlobError) {
            try await append(opened.descriptor, opened.status, to: file, destination, deadline)
            return try await hops.run(on: destination) { () throws(BlobError) in
                // Else the copy may be of two versions.
                guard try FileStatus.of(opened.descriptor).hasSameBytes(as: opened.status) else {
                    throw FileRegions.changed.on(source)
                }
                return try publication.publish(file)
            }
        } catch {
            hops.later { file.discard() }
            throw error.on(destination)
        }
    }

    /// Appends all of `source`, a stretch per hop so that the copy can be cancelled.
    func append(
        _ source: SharedDescriptor, _ status: FileStatus, to file: StagedFile, _ uri: BlobURI,
        _ deadline: CallDeadline
    ) async throws(BlobError) {
        var offset: UInt64 = 0
        while offset < status.byte_count {
            if Task.isCancelled { throw BlobError.cancelled }
            try deadline.check()
            let start = offset
            offset = try await hops.run(on: uri) { () throws(BlobError) in
                let end = min(status.byte_count, start + Self.copyStretchByteCount)
                var position = start
                while position < end {
                    let byteCount = try file.append(
                        from: source, at: position, upTo: end - position)
                    guard byteCount > 0 else { throw FileRegions.changed }
                    position += byteCount
                }
                return position
            }
        }
    }

    private static let copyStretchByteCount: UInt64 = 64 << 20

    static func attributes(
        _ contentType: String?, _ userMetadata: [String: String], _ uri: BlobURI
    ) throws(BlobError) -> BlobAttributes {
        do {
            return try BlobAttributes(checking: contentType, userMetadata)
        } catch {
            throw error.on(uri)
        }
    }
}

/// Everything between the last byte of a staged file and the answer to its caller.
struct Publication: Sendable {
    var publisher: Publisher
    var path: LocalPath
    var attributes: BlobAttributes
    var condition: WriteCondition
    var expectedSHA256: [UInt8]?

    /// Seals and publishes `file`; blocks. On failure nothing is visible and `file` still there.
    func publish(_ file: StagedFile) throws(BlobError) -> PutResult {
        let (byteCount, sha256) = try file.seal(
            attributes: attributes, keepsAttributes: path.root.keepsAttributes,
            durability: publisher.durability)
        // W-73
        if let expectedSHA256, expectedSHA256 != sha256 {
            throw BlobError(
                .checksumMismatch,
                "the bytes do not have the SHA-256 given; they were damaged on the way or the"
                    + " checksum is of something else; nothing was stored",
                origin: .backend)
        }
        let status = try file.handOver { descriptor, place throws(BlobError) in
            try publisher.publish(
                descriptor, named: place.name, in: place.directory, at: path,
                condition: condition)
        }
        return PutResult(etag: status.etag, byteCount: byteCount, sha256: sha256)
    }
}
