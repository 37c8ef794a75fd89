public import BlobCore
internal import CFileShims
internal import Glibc

extension LocalBackend {
    /// Makes a private directory for the parts, invisible to readers (W-80); it survives a restart
    /// of the server.
    public func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        let path = try roots.locate(uri)
        let attributes = try Self.attributes(options.contentType, options.userMetadata, uri)
        guard attributes.isEmpty || path.root.keepsAttributes else {
            throw BlobError(
                .unsupportedOperation,
                "the file system of this root keeps neither content types nor user metadata",
                uri: uri, origin: .backend)
        }
        let uploadID = try RandomName.make()
        let record = UploadRecord(key: uri.key, attributes: attributes)
        let durability = publisher.durability
        try await hops.run(on: uri) { () throws(BlobError) in
            try UploadDirectory.create(
                uploadID: uploadID, record: record, in: path.root, durability)
        }
        return MultipartUpload(uri: uri, uploadID: uploadID)
    }

    /// Without an offset the part gets a file of its own and replaces an earlier one at once; with
    /// one it is written straight to its place.
    public func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        let path = try locate(upload)
        try UploadRules.checkPartNumber(partNumber, upload.uri)
        let offset = options.offset
        let durability = publisher.durability
        let file = StagedFile(computesSHA256: false) { () throws(BlobError) in
            if let offset {
                let directory = try UploadDirectory(upload, at: path, .writingData)
                try directory.beginPlacement(partNumber, durability)
                return StagedFile.Place(
                    directory: directory.directory, name: UploadDirectory.dataName,
                    flags: O_WRONLY | O_NOFOLLOW, mode: 0, baseOffset: offset, isOwned: false,
                    lock: directory.lock)
            }
            let directory = try UploadDirectory(upload, at: path, .shared)
            return StagedFile.Place(
                directory: directory.directory, name: "tmp-\(try RandomName.make())",
                mode: directory.staging.fileMode)
        }
        let writer = BodyWriter(
            hops: hops, uri: upload.uri, deadline: CallDeadline(options.call))
        return try await writer.write(body, to: file) { () throws(BlobError) in
            let byteCount = file.byteCount
            // Outside of the lock: while the disk takes its time nobody's completion is refused.
            try file.sync(durability)
            // What is being completed keeps the parts that its completion has looked at.
            let directory = try UploadDirectory(upload, at: path, .writingData)
            try file.handOver { _, place throws(BlobError) in
                if let offset {
                    try directory.recordPlacement(
                        partNumber, offset: offset, byteCount: byteCount, durability)
                } else {
                    try directory.adoptPart(partNumber, temporaryName: place.name, durability)
                }
            }
            return UploadedPart(partNumber: partNumber, byteCount: byteCount)
        }
    }

    /// One URI for all parts (W-78): the uploader shares the file system and writes each part at its
    /// offset in that file.
    public func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        let path = try locate(upload)
        try Self.checkValidity(options, upload.uri)
        guard partNumbers.count <= Int(UploadRules.maximumPartCount) else {
            throw BlobError(.invalidArgument, "at most 10000 parts in one call", uri: upload.uri)
        }
        for partNumber in partNumbers {
            try UploadRules.checkPartNumber(partNumber, upload.uri)
        }
        let name = try await hops.run(on: upload.uri) { () throws(BlobError) in
            try UploadDirectory(upload, at: path, .shared).name
        }
        let file = [path.root.path, LocalPathRules.stagingName, name, UploadDirectory.dataName]
        let url = PresignedURL(
            url: "file://" + file.joined(separator: "/"), method: "PUT", expiresAt: nil)
        return Array(repeating: url, count: partNumbers.count)
    }

    /// The parts that came through this store, in pages (W-82); those written into the shared file
    /// are unknown.
    public func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        let path = try locate(upload)
        return try await hops.run(on: upload.uri) { () throws(BlobError) in
            let directory = try UploadDirectory(upload, at: path, .shared)
            var page = PartPage(parts: [])
            for number in try directory.partNumbers() where number > afterPartNumber {
                guard page.parts.count < Self.partPageCount else {
                    page.nextPartNumber = page.parts.last?.partNumber
                    break
                }
                guard let part = try directory.part(number) else { continue }
                page.parts.append(UploadedPart(partNumber: number, byteCount: part.byteCount))
            }
            return page
        }
    }

    /// Checks that the parts make a whole and publishes it. No part at all makes an empty blob. The
    /// answer is the same when it is asked for again (CM-18), where the file system keeps attributes.
    public func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let path = try locate(upload)
        let publisher = publisher
        let directory: UploadDirectory
        let plan: UploadPlan
        do throws(BlobError) {
            let opened = try await hops.run(on: upload.uri) {
                () throws(BlobError) -> OpenedCompletion in
                let directory = try UploadDirectory(upload, at: path, .completing)
                // Its process ended between publishing and removing what the upload leaves.
                if let result = try Self.published(by: upload, at: path) {
                    directory.remove()
                    return .done(result)
                }
                return .open(directory, try UploadPlan(parts, in: directory))
            }
            switch opened {
            case .done(let result): return result
            case .open(let found, let made): (directory, plan) = (found, made)
            }
        } catch {
            if error.code == .uploadNotFound, let result = await completed(upload, path) {
                return result
            }
            throw error
        }
        let file = StagedFile(in: path.root, computesSHA256: false)
        do throws(BlobError) {
            if case .concatenate(let fileNames) = plan {
                try await concatenate(fileNames, of: directory, to: file, upload.uri, options.call)
            }
            return try await hops.run(on: upload.uri) { () throws(BlobError) in
                var attributes = directory.record.attributes
                if path.root.keepsAttributes { attributes.commitToken = upload.uploadID }
                let publication = Publication(
                    publisher: publisher, path: path, attributes: attributes,
                    condition: options.condition)
                let result: PutResult
                if case .rename(let fileName) = plan {
                    result = try publication.publish(fileName, of: directory)
                } else {
                    result = try publication.publish(file)
                }
                directory.remove()
                return result
            }
        } catch {
            hops.later { file.discard() }
            throw error.on(upload.uri)
        }
    }

    /// What a completion finds.
    private enum OpenedCompletion: Sendable {
        /// The blob that this upload has made before.
        case done(PutResult)
        case open(UploadDirectory, UploadPlan)
    }

    private func completed(_ upload: MultipartUpload, _ path: LocalPath) async -> PutResult? {
        try? await hops.run(on: upload.uri) { () throws(BlobError) -> PutResult? in
            try Self.published(by: upload, at: path)
        }
    }

    /// The blob, if it certainly is the one that this upload has made; blocks.
    private static func published(
        by upload: MultipartUpload, at path: LocalPath
    ) throws(BlobError) -> PutResult? {
        guard path.root.keepsAttributes else { return nil }
        do throws(BlobError) {
            guard let (status, attributes) = try look(at: path, path.root.resolution),
                attributes?.commitToken == upload.uploadID
            else { return nil }
            return PutResult(etag: status.etag, byteCount: status.byte_count)
        } catch {
            // Nothing is there, or something that publishing will judge; no blob of this store's.
            if error.code == .notFound || error.code == .permissionDenied { return nil }
            throw error.on(upload.uri)
        }
    }

    /// Removes the parts (IX5, W-84: never the destination). An unknown upload counts as given up.
    public func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        let path = try roots.locate(upload.uri)
        do throws(BlobError) {
            try UploadRules.checkUploadID(upload)
            try await hops.run(on: upload.uri) { () throws(BlobError) in
                try UploadDirectory(upload, at: path, .shared).remove()
            }
        } catch {
            guard error.code == .uploadNotFound else { throw error }
        }
    }

    private static let partPageCount = 1000

    private func locate(_ upload: MultipartUpload) throws(BlobError) -> LocalPath {
        let path = try roots.locate(upload.uri)
        try UploadRules.checkUploadID(upload)
        return path
    }

    private func concatenate(
        _ fileNames: [String], of directory: UploadDirectory, to file: StagedFile,
        _ uri: BlobURI, _ options: CallOptions
    ) async throws(BlobError) {
        let deadline = CallDeadline(options)
        for name in fileNames {
            let (part, status) = try await hops.run(on: uri) { () throws(BlobError) in
                let part = try directory.openFile(name, O_RDONLY)
                return (part, try FileStatus.of(part))
            }
            try await append(part, status, to: file, uri, deadline)
        }
    }
}

extension UploadDirectory {
    func openFile(_ name: String, _ flags: Int32) throws(BlobError) -> SharedDescriptor {
        let descriptor = cfile_openat(directory.rawValue, name, flags | O_NOFOLLOW, 0)
        return SharedDescriptor(
            owning: try FileFailure.check(descriptor, "opening a part", .upload))
    }
}

extension Publication {
    /// Publishes a file of an upload directory by renaming it; blocks.
    func publish(
        _ fileName: String, of upload: UploadDirectory
    ) throws(BlobError) -> PutResult {
        let descriptor = try upload.openFile(fileName, O_RDWR)
        try FileSealing.seal(
            descriptor, attributes: attributes, keepsAttributes: path.root.keepsAttributes,
            durability: publisher.durability)
        let status = try publisher.publish(
            descriptor, named: fileName, in: upload.directory, at: path, condition: condition,
            .upload)
        return PutResult(etag: status.etag, byteCount: status.byte_count)
    }
}
