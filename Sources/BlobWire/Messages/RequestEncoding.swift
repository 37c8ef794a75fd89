public import BlobCore

extension BlobRequest {
    /// The payload of the REQUEST frame (rule W-40).
    ///
    /// - Throws: `tooLarge` when a field is longer than 64 KiB.
    public func encodedPayload() throws(BlobError) -> Bytes {
        var writer = ByteWriter(capacity: 192)
        writer.write(operation.rawValue)
        writer.write(UInt16(0))
        // W-50: zero means no limit, so the shortest limit is one millisecond.
        writer.write(timeout.map { max(1, $0.wireMilliseconds) } ?? 0)
        switch arguments {
        case .head(let uri, let options), .get(let uri, let options):
            writer.write(uri: uri)
            writer.write(options)
        case .put(let uri, let options, let bodyByteCount):
            writer.write(uri: uri)
            writer.write(options, bodyByteCount: bodyByteCount)
        case .delete(let uri), .capabilities(let uri):
            writer.write(uri: uri)
        case .deleteMany, .info, .listListeners:
            break
        case .list(let uri, let options):
            writer.write(uri: uri)
            writer.write(options)
        case .copy(let source, let destination, let options):
            writer.write(uri: source)
            writer.write(field: .destinationURI, critical: true, destination.description)
            writer.write(condition: options.condition)
            if let etag = options.ifSourceMatch {
                writer.write(field: .ifMatch, critical: true, etag)
            }
        case .presign(_, let uri, let options):
            writer.write(uri: uri)
            writer.write(field: .validSeconds, critical: true, options.validSeconds)
        case .createMultipartUpload(let uri, let options):
            writer.write(uri: uri)
            writer.write(contentType: options.contentType, userMetadata: options.userMetadata)
        case .uploadPart(let upload, let partNumber, let options, let bodyByteCount):
            writer.write(upload: upload)
            writer.write(field: .partNumber, critical: true, partNumber)
            if let offset = options.offset { writer.write(field: .partOffset, offset) }
            if let bodyByteCount { writer.write(field: .bodyByteCount, bodyByteCount) }
        case .presignUploadParts(let upload, let options):
            writer.write(upload: upload)
            writer.write(field: .validSeconds, critical: true, options.validSeconds)
        case .listParts(let upload, let afterPartNumber):
            writer.write(upload: upload)
            writer.write(field: .partNumber, critical: true, afterPartNumber)
        case .completeMultipartUpload(let upload, let options):
            writer.write(upload: upload)
            writer.write(condition: options.condition)
        case .abortMultipartUpload(let upload):
            writer.write(upload: upload)
        case .addListener(let text, let options):
            writer.write(field: .listenerText, critical: true, text)
            if let seconds = options.leaseSeconds {
                writer.write(field: .leaseSeconds, critical: true, seconds)
            }
            if options.endsWithCaller {
                writer.write(field: .endsWithCaller, critical: true) { (_: inout ByteWriter) in }
            }
        case .removeListener(let path):
            writer.write(field: .socketPath, critical: true, path)
        }
        return try writer.finish()
    }
}

extension ByteWriter {
    fileprivate mutating func write(uri: BlobURI) {
        write(field: .uri, critical: true, uri.description)
    }

    fileprivate mutating func write(upload: MultipartUpload) {
        write(uri: upload.uri)
        write(field: .uploadID, critical: true, upload.uploadID)
    }

    fileprivate mutating func write(condition: WriteCondition) {
        switch condition {
        case .overwrite: break
        case .createOnly:
            write(field: .condition, critical: true) { (writer: inout ByteWriter) in
                writer.write(UInt8(1))
            }
        case .ifMatch(let etag):
            write(field: .condition, critical: true) { (writer: inout ByteWriter) in
                writer.write(UInt8(2))
                writer.write(etag)
            }
        }
    }

    fileprivate mutating func write(contentType: String?, userMetadata: [String: String]) {
        if let contentType { write(field: .contentType, contentType) }
        for (name, value) in userMetadata.sorted(by: { $0.key < $1.key }) {
            write(field: .userMetadata, name: name, value: value)
        }
    }

    fileprivate mutating func write(_ options: GetOptions) {
        for range in options.ranges {
            write(field: .range, critical: true) { (writer: inout ByteWriter) in
                let (kind, first, second): (UInt8, UInt64, UInt64) =
                    switch range {
                    case .bounded(let start, let end): (0, start, end)
                    case .from(let start): (1, start, 0)
                    case .suffix(let byteCount): (2, byteCount, 0)
                    }
                writer.write(kind)
                writer.write(first)
                writer.write(second)
            }
        }
        if let etag = options.ifMatch { write(field: .ifMatch, critical: true, etag) }
        if let etag = options.ifNoneMatch { write(field: .ifNoneMatch, critical: true, etag) }
    }

    fileprivate mutating func write(_ options: PutOptions, bodyByteCount: UInt64?) {
        write(condition: options.condition)
        write(contentType: options.contentType, userMetadata: options.userMetadata)
        if options.computesSHA256 {
            write(field: .computeSHA256) { (_: inout ByteWriter) in }
        }
        if let digest = options.expectedSHA256 {
            write(field: .expectedSHA256, critical: true, digest)
        }
        if let bodyByteCount { write(field: .bodyByteCount, bodyByteCount) }
    }

    fileprivate mutating func write(_ options: ListOptions) {
        if let text = options.delimiter { write(field: .delimiter, critical: true, text) }
        if let text = options.startAfter { write(field: .startAfter, critical: true, text) }
        if let text = options.pageToken { write(field: .pageToken, critical: true, text) }
        write(field: .pageEntryCount, options.pageEntryCount)
    }
}
