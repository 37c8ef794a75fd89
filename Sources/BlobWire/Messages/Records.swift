public import BlobCore

/// A body made of records rather than blob bytes (rule W-49): lists too long for a header travel as
/// DATA, so that flow control covers them.
///
/// The body is the concatenation of all DATA payloads: records may be cut anywhere. Each record is a
/// field whose value holds fields in turn.
public enum RecordBody {
    /// The URIs of deleteMany.
    public static func encode(uris: [BlobURI]) throws(BlobError) -> Bytes {
        try encode(uris, as: .uriRecord) { (uri, writer: inout ByteWriter) in
            writer.write(field: .uri, uri.description)
        }
    }

    /// The part numbers of presignUploadParts.
    public static func encode(partNumbers: [UInt32]) throws(BlobError) -> Bytes {
        try encode(partNumbers, as: .partRecord) { (number, writer: inout ByteWriter) in
            writer.write(field: .partNumber, number)
        }
    }

    /// The parts of completeMultipartUpload and of listParts.
    public static func encode(parts: [UploadedPart]) throws(BlobError) -> Bytes {
        try encode(parts, as: .partRecord) { (part, writer: inout ByteWriter) in
            writer.write(part)
        }
    }

    /// The URLs of presignUploadParts.
    public static func encode(urls: [PresignedURL]) throws(BlobError) -> Bytes {
        try encode(urls, as: .urlRecord) { (url, writer: inout ByteWriter) in writer.write(url) }
    }

    /// The outcomes of deleteMany: each begins like a response.
    public static func encode(
        outcomes: [Result<DeleteResult, BlobError>]
    ) throws(BlobError) -> Bytes {
        try encode(outcomes, as: .outcomeRecord) { (outcome, writer: inout ByteWriter) in
            switch outcome {
            case .success(let result):
                writer.write(UInt32(0))
                writer.write(existed: result.existed)
            case .failure(let error): writer.write(error: error)
            }
        }
    }

    /// The entries and prefixes of list.
    public static func encode(
        entries: [ListEntry], commonPrefixes: [BlobURI]
    ) throws(BlobError) -> Bytes {
        var writer = ByteWriter(capacity: 128 * (entries.count + commonPrefixes.count))
        for entry in entries {
            writer.write(field: .entryRecord) { (writer: inout ByteWriter) in
                writer.write(field: .uri, entry.uri.description)
                writer.write(field: .byteCount, entry.byteCount)
                writer.write(field: .etag, entry.etag)
                writer.write(
                    field: .lastModified, UInt64(bitPattern: entry.lastModified.milliseconds))
            }
        }
        for prefix in commonPrefixes {
            writer.write(field: .prefixRecord) { (writer: inout ByteWriter) in
                writer.write(field: .uri, prefix.description)
            }
        }
        return try writer.finish()
    }

    static func encode<Element>(
        _ elements: [Element], as tag: FieldTag,
        _ body: (Element, inout ByteWriter) -> Void
    ) throws(BlobError) -> Bytes {
        var writer = ByteWriter(capacity: 64 * elements.count)
        for element in elements {
            writer.write(field: tag) { (writer: inout ByteWriter) in body(element, &writer) }
        }
        return try writer.finish()
    }

    /// Reads the URIs of deleteMany.
    ///
    /// - Throws: `invalidURI` or `unsupportedBackend` for a URI that is none; the call is answered
    ///   with it (rule W-49).
    public static func uris(_ body: Bytes) throws(WireError) -> [BlobURI] {
        try decode(body, .uriRecord) { (fields) throws(WireError) in
            let text = try fields.required(fields.uri)
            do throws(BlobError) {
                return try BlobURI(parsing: text)
            } catch {
                throw WireError(error.code, error.message)
            }
        }
    }

    /// Reads the part numbers of presignUploadParts.
    public static func partNumbers(_ body: Bytes) throws(WireError) -> [UInt32] {
        try decode(body, .partRecord) { (fields) throws(WireError) in
            try fields.required(fields.partNumber)
        }
    }

    /// Reads the parts of completeMultipartUpload and of listParts.
    public static func parts(_ body: Bytes) throws(WireError) -> [UploadedPart] {
        try decode(body, .partRecord) { (fields) throws(WireError) in try fields.part() }
    }

    /// Reads the URLs of presignUploadParts.
    public static func urls(_ body: Bytes) throws(WireError) -> [PresignedURL] {
        try decode(body, .urlRecord) { (fields) throws(WireError) in
            try fields.presignedURL()
        }
    }

    /// Reads the outcomes of deleteMany.
    public static func outcomes(
        _ body: Bytes
    ) throws(WireError) -> [Result<DeleteResult, BlobError>] {
        var outcomes: [Result<DeleteResult, BlobError>] = []
        try forEachRecord(body, [.outcomeRecord]) { (_, value) throws(WireError) in
            switch try ResponseStatus(&value) {
            case .success(let fields):
                outcomes.append(.success(DeleteResult(existed: fields.existed)))
            case .failure(let error): outcomes.append(.failure(error))
            }
        }
        return outcomes
    }

    /// Reads the entries and prefixes of list.
    public static func listing(
        _ body: Bytes
    ) throws(WireError) -> (entries: [ListEntry], commonPrefixes: [BlobURI]) {
        var entries: [ListEntry] = []
        var prefixes: [BlobURI] = []
        try forEachRecord(body, [.entryRecord, .prefixRecord]) { (tag, value) throws(WireError) in
            let fields = try ResponseFields(&value)
            if tag == .prefixRecord {
                prefixes.append(try fields.blobURI())
                return
            }
            entries.append(
                ListEntry(
                    uri: try fields.blobURI(), byteCount: try fields.required(fields.byteCount),
                    etag: try fields.required(fields.etag),
                    lastModified: try fields.required(fields.lastModified)))
        }
        return (entries, prefixes)
    }

    static func decode<Element>(
        _ body: Bytes, _ tag: FieldTag,
        _ element: (ResponseFields) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        var elements: [Element] = []
        try forEachRecord(body, [tag]) { (_, value) throws(WireError) in
            elements.append(try element(try ResponseFields(&value)))
        }
        return elements
    }

    /// W-49: a record of another kind is passed over unread, unless it is critical (W-47).
    private static func forEachRecord(
        _ body: Bytes, _ known: FieldTagSet,
        _ take: (FieldTag, inout ByteReader) throws(WireError) -> Void
    ) throws(WireError) {
        try body.withReader { (reader) throws(WireError) in
            while !reader.isAtEnd {
                var record = try Field(&reader)
                if known.contains(record.tag) {
                    try take(record.tag, &record.value)
                } else if record.isCritical {
                    throw WireError(.badFrame, "an unknown critical record (W-47)")
                }
            }
        }
    }
}
