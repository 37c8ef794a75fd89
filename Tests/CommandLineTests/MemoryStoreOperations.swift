import BlobCore
import Synchronization

extension MemoryStore {
    func capabilities(
        of uri: BlobURI, options: CallOptions
    ) async throws(BlobError) -> Capabilities {
        Capabilities(
            operations: [], features: [],
            limits: Capabilities.Limits(
                maximumBlobByteCount: 1 << 40, maximumPartByteCount: 5 << 30,
                minimumPartByteCount: 0, maximumPartCount: 10_000, maximumPresignSeconds: nil))
    }

    func head(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobMetadata {
        note(options.call)
        return metadata(try find(uri))
    }

    func read(_ uri: BlobURI, options: GetOptions) async throws(BlobError) -> BlobRead {
        let blob = try find(uri)
        let size = UInt64(blob.bytes.count)
        let range = try options.ranges.first?.resolved(size: size) ?? 0..<size
        return BlobRead(
            metadata: metadata(blob), ranges: [range],
            source: Chunks(bytes: blob.bytes, range: range, store: self))
    }

    func put(
        _ uri: BlobURI, body: BlobBody, options: PutOptions
    ) async throws(BlobError) -> PutResult {
        note(options.call)
        let blob = Blob(
            bytes: try await collect(body), contentType: options.contentType,
            userMetadata: options.userMetadata, version: 0)
        var result = try store(uri, blob, options.condition)
        if options.computesSHA256 { result.sha256 = Array(repeating: 0xab, count: 32) }
        return result
    }

    func delete(_ uri: BlobURI, options: CallOptions) async throws(BlobError) -> DeleteResult {
        DeleteResult(
            existed: state.withLock { $0.blobs.removeValue(forKey: uri.description) != nil })
    }

    func delete(
        _ uris: [BlobURI], options: CallOptions
    ) async throws(BlobError) -> [Result<DeleteResult, BlobError>] {
        var results: [Result<DeleteResult, BlobError>] = []
        for uri in uris {
            if uri.key.hasPrefix("locked") {
                results.append(.failure(BlobError(.permissionDenied, "it is locked")))
            } else {
                results.append(.success(try await delete(uri, options: options)))
            }
        }
        return results
    }

    func list(_ prefix: BlobURI, options: ListOptions) async throws(BlobError) -> ListPage {
        state.withLock { $0.listCallCount += 1 }
        let start = prefix.description
        var names: [(name: String, isPrefix: Bool)] = []
        for name in state.withLock({ $0.blobs.keys.sorted() }) where name.hasPrefix(start) {
            let rest = name.dropFirst(start.count)
            guard options.delimiter != nil, let slash = rest.firstIndex(of: "/") else {
                names.append((name, false))
                continue
            }
            let common = start + rest[...slash]
            if names.last?.name != common { names.append((common, true)) }
        }
        let first = Int(options.pageToken ?? "0") ?? 0
        let last = min(names.count, first + Int(options.pageEntryCount))
        var page = ListPage(
            entries: [], nextPageToken: last < names.count ? String(last) : nil)
        for (name, isPrefix) in names[first..<last] {
            let uri = try BlobURI(parsing: name)
            if isPrefix {
                page.commonPrefixes.append(uri)
            } else {
                let data = metadata(try find(uri))
                page.entries.append(
                    ListEntry(
                        uri: uri, byteCount: data.byteCount, etag: data.etag,
                        lastModified: data.lastModified))
            }
        }
        return page
    }

    func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        try store(destination, try find(source), options.condition)
    }

    func presign(
        _ method: PresignMethod, _ uri: BlobURI, options: PresignOptions
    ) async throws(BlobError) -> PresignedURL {
        if method == .put {
            return PresignedURL(
                url: "https://example.net/put", method: "PUT", headers: ["x-kind": "block"],
                expiresAt: nil)
        }
        return PresignedURL(
            url: "https://example.net/\(method)?seconds=\(options.validSeconds)",
            method: method.rawValue, expiresAt: Timestamp(milliseconds: 0))
    }

    func createMultipartUpload(
        _ uri: BlobURI, options: MultipartOptions
    ) async throws(BlobError) -> MultipartUpload {
        state.withLock { $0.uploads["upload-1"] = [:] }
        return MultipartUpload(uri: uri, uploadID: "upload-1")
    }

    func uploadPart(
        _ upload: MultipartUpload, partNumber: UInt32, body: BlobBody, options: UploadPartOptions
    ) async throws(BlobError) -> UploadedPart {
        _ = try self.upload(upload)
        let bytes = try await collect(body)
        state.withLock { $0.uploads[upload.uploadID]?[partNumber] = bytes }
        return UploadedPart(
            partNumber: partNumber, etag: "\"p\(partNumber)\"", byteCount: UInt64(bytes.count))
    }

    func presignUploadParts(
        _ upload: MultipartUpload, partNumbers: [UInt32], options: PresignOptions
    ) async throws(BlobError) -> [PresignedURL] {
        partNumbers.map {
            PresignedURL(url: "https://example.net/\($0)", method: "PUT", expiresAt: nil)
        }
    }

    func listParts(
        _ upload: MultipartUpload, afterPartNumber: UInt32, options: CallOptions
    ) async throws(BlobError) -> PartPage {
        // One part a page, so that paging is exercised.
        let numbers = try self.upload(upload).keys.sorted().filter { $0 > afterPartNumber }
        guard let number = numbers.first else { return PartPage(parts: []) }
        return PartPage(
            parts: [UploadedPart(partNumber: number, etag: "\"p\(number)\"")],
            nextPartNumber: numbers.count > 1 ? number : nil)
    }

    func completeMultipartUpload(
        _ upload: MultipartUpload, parts: [UploadedPart], options: CompleteOptions
    ) async throws(BlobError) -> PutResult {
        let present = try self.upload(upload)
        let bytes = parts.flatMap { present[$0.partNumber] ?? [] }
        let blob = Blob(bytes: bytes, contentType: nil, userMetadata: [:], version: 0)
        return try store(upload.uri, blob, options.condition)
    }

    func abortMultipartUpload(
        _ upload: MultipartUpload, options: CallOptions
    ) async throws(BlobError) {
        state.withLock { $0.uploads[upload.uploadID] = nil }
    }
}
