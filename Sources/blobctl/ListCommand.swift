import ArgumentParser
import BlobCore

/// `blobctl ls`
struct ListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List blobs whose key begins with a prefix.",
        discussion: """
            A prefix is bytes, not a path: s3://bucket/a also finds s3://bucket/abc. Without \
            --recursive, keys that go on after the next slash are shown once, as their common \
            prefix. The order is that of the keys' bytes.

            EXAMPLES
              blobctl ls s3://bucket/2026/
              blobctl ls -r blob://backup
              blobctl ls -r --json --limit 10 gs://site/ | jq -r .uri
            """)

    @Flag(name: .shortAndLong, help: "List every blob below the prefix.")
    var recursive = false

    @Option(help: ArgumentHelp("Stop after this many lines.", valueName: "count"))
    var limit: UInt64?

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The prefix; the key may be empty.", transform: BlobURI.prefixArgument)
    var prefix: BlobURI

    func run(in context: CommandContext) async throws {
        var remaining = limit ?? .max
        var options = ListOptions(delimiter: recursive ? nil : "/")
        while remaining > 0 {
            options.call = try context.deadline.options()
            options.pageEntryCount = UInt32(
                min(UInt64(ListOptions.maximumPageEntryCount), remaining))
            let page = try await context.store.list(prefix, options: options)
            var text = ""
            for line in Self.merged(page) where remaining > 0 {
                text += context.console.usesJSON ? line.json.text : line.text
                text += "\n"
                remaining -= 1
            }
            try context.console.output.write(text)
            // A page may be empty and yet not the last; the same token again would never end.
            guard let token = page.nextPageToken else { return }
            guard token != options.pageToken else {
                throw BlobError(.other, "the listing does not advance", uri: prefix)
            }
            options.pageToken = token
        }
    }

    /// One line of a listing.
    enum Line {
        case blob(ListEntry)
        case prefix(BlobURI)

        var text: String {
            switch self {
            case .blob(let entry):
                let size = ResultText.rightAligned(String(entry.byteCount), width: 14)
                let name = Formatting.printable(entry.uri.description)
                return "\(size)  \(entry.lastModified)  \(name)"
            case .prefix(let uri):
                let size = ResultText.rightAligned("-", width: 14)
                // As wide as a time.
                let noTime = ResultText.rightAligned("-", width: 24)
                return "\(size)  \(noTime)  \(Formatting.printable(uri.description))"
            }
        }

        var json: JSONValue {
            switch self {
            case .blob(let entry):
                .object([
                    .init("type", .string("blob")),
                    .init("uri", .string(entry.uri.description)),
                    .init("byte_count", .unsigned(entry.byteCount)),
                    .init("etag", .string(entry.etag)),
                    .init("last_modified", .string(entry.lastModified.description)),
                ])
            case .prefix(let uri):
                .object([
                    .init("type", .string("prefix")), .init("uri", .string(uri.description)),
                ])
            }
        }

        fileprivate var key: String {
            switch self {
            case .blob(let entry): entry.uri.key
            case .prefix(let uri): uri.key
            }
        }
    }

    /// Blobs and prefixes of a page in one order: that of the keys' bytes.
    static func merged(_ page: ListPage) -> [Line] {
        let lines = page.entries.map(Line.blob) + page.commonPrefixes.map(Line.prefix)
        return lines.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
}
