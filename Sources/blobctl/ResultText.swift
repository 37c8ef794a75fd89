import BlobCore

/// How results look, as text and as JSON. Field names are part of the interface: docs/blobctl.md
/// lists them.
enum ResultText {
    /// The outcome of anything that makes a blob.
    static func printPut(
        _ uri: BlobURI, _ result: PutResult, verb: String, console: Console
    ) throws {
        let name = Formatting.printable(uri.description)
        try console.confirmation(
            json: [
                .init("uri", .string(uri.description)),
                .init("byte_count", .unsigned(result.byteCount)),
                .init("etag", .string(result.etag)),
                .init("version", .optional(result.version)),
                .init("sha256", .optional(result.sha256.map(Formatting.hexadecimal))),
            ],
            text: "\(verb) \(name) (\(result.byteCount) bytes, etag \(printable(result.etag)))")
    }

    /// The fields of a blob's metadata.
    static func fields(_ uri: BlobURI, _ metadata: BlobMetadata) -> [JSONValue.Field] {
        [
            .init("uri", .string(uri.description)),
            .init("byte_count", .unsigned(metadata.byteCount)),
            .init("etag", .string(metadata.etag)),
            .init("last_modified", .string(metadata.lastModified.description)),
            .init("content_type", .optional(metadata.contentType)),
            .init("version", .optional(metadata.version)),
            .init("metadata", .sorted(metadata.userMetadata)),
        ]
    }

    /// A blob's metadata, one value a line.
    static func lines(_ uri: BlobURI, _ metadata: BlobMetadata) -> String {
        var rows = [
            ("uri", uri.description),
            ("size", "\(metadata.byteCount) bytes (\(Formatting.size(metadata.byteCount)))"),
            ("etag", metadata.etag), ("modified", metadata.lastModified.description),
        ]
        if let contentType = metadata.contentType { rows.append(("content type", contentType)) }
        if let version = metadata.version { rows.append(("version", version)) }
        rows += metadata.userMetadata.sorted { $0.key < $1.key }.map { ("metadata", "\($0)=\($1)") }
        return table(rows)
    }

    /// Names and values in two columns.
    static func table(_ rows: [(name: String, value: String)]) -> String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            let padding = String(repeating: " ", count: width - row.name.count)
            return "\(printable(row.name)):\(padding) \(printable(row.value))"
        }.joined(separator: "\n")
    }

    /// `text` right-aligned in `width` columns.
    static func rightAligned(_ text: String, width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func printable(_ text: String) -> String {
        Formatting.printable(text)
    }
}
