internal import Backends
internal import BlobCore

/// List Blobs. It knows no `startAfter`: what comes before is left out here.
struct AzureListing: Sendable {
    private let prefix: BlobURI
    private let options: ListOptions
    private let deadline: CallDeadline

    init(_ prefix: BlobURI, _ options: ListOptions) throws(BlobError) {
        try ListRules.check(options, prefix)
        try AzureBlobName.checkPrefix(prefix)
        self.prefix = prefix
        self.options = options
        deadline = CallDeadline(options.call)
    }

    func page(by client: CloudClient) async throws(BlobError) -> ListPage {
        var marker = options.pageToken
        do throws(CloudFailure) {
            while true {
                let request = request(marker)
                let document = try await client.reply(
                    request, maximumByteCount: Self.maximumListingByteCount, deadline: deadline
                ).document
                var page = try AzurePage(document, request).page(prefix)
                if let startAfter = options.startAfter {
                    page = try await rest(of: page, after: startAfter, by: client)
                }
                // The service may give an empty page that is not the last, and we may have left out
                // all of one.
                if !page.entries.isEmpty || !page.commonPrefixes.isEmpty
                    || page.nextPageToken == nil
                {
                    return page
                }
                marker = page.nextPageToken
            }
        } catch {
            throw error.error.on(prefix)
        }
    }

    private func request(_ marker: String?) -> CloudRequest {
        var request = CloudRequest(.get, prefix.replacingKey(""), "listing the container")
        request.query = [
            (name: "restype", value: "container"), (name: "comp", value: "list"),
            (name: "maxresults", value: String(options.pageEntryCount)),
        ]
        request.expectsDocument = true
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { request.query.append((name: name, value: value)) }
        }
        add("prefix", prefix.key)
        add("delimiter", options.delimiter)
        add("marker", marker)
        return request
    }

    /// What of `page` sorts after `key`. A prefix does when a key below it does.
    private func rest(
        of page: ListPage, after key: String, by client: CloudClient
    ) async throws(CloudFailure) -> ListPage {
        var rest = page
        rest.entries = page.entries.filter { key.sortsBefore($0.uri.key) }
        rest.commonPrefixes = []
        for found in page.commonPrefixes {
            var isLater = key.sortsBefore(found.key)
            if !isLater, key.utf8.starts(with: found.key.utf8) {
                isLater = try await hasKey(below: found, after: key, by: client)
            }
            if isLater { rest.commonPrefixes.append(found) }
        }
        return rest
    }

    private func hasKey(
        below prefix: BlobURI, after key: String, by client: CloudClient
    ) async throws(CloudFailure) -> Bool {
        do throws(BlobError) {
            let options = ListOptions(startAfter: key, call: options.call)
            return try await !AzureListing(prefix, options).page(by: client).entries.isEmpty
        } catch {
            throw CloudFailure(error)
        }
    }

    /// A thousand keys of a kilobyte, each byte written as three, with the rest of their entries.
    private static let maximumListingByteCount = 8 << 20
}

extension String {
    /// By their bytes.
    fileprivate func sortsBefore(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}

/// The answer to List Blobs.
private struct AzurePage {
    let document: XMLElement
    let request: CloudRequest

    init(_ document: XMLElement, _ request: CloudRequest) throws(CloudFailure) {
        guard document.name == "EnumerationResults", document.first("Blobs") != nil else {
            throw CloudFailure.nonsense(request, "with something that is no listing")
        }
        self.document = document
        self.request = request
    }

    func page(_ prefix: BlobURI) throws(CloudFailure) -> ListPage {
        var page = ListPage(entries: [])
        for element in document.first("Blobs")?.children ?? [] {
            switch element.name {
            case "Blob":
                if let entry = try entry(element, prefix) { page.entries.append(entry) }
            case "BlobPrefix":
                page.commonPrefixes.append(prefix.replacingKey(try name(element)))
            default: break
            }
        }
        if let marker = document.text(of: "NextMarker"), !marker.isEmpty {
            page.nextPageToken = marker
        }
        return page
    }

    /// Nil for a directory, which accounts with a hierarchy list among the blobs.
    private func entry(
        _ element: XMLElement, _ prefix: BlobURI
    ) throws(CloudFailure) -> ListEntry? {
        guard let properties = element.first("Properties"),
            let byteCount = properties.text(of: "Content-Length")
                .flatMap({ ByteCount.parse($0) }),
            let modified = properties.text(of: "Last-Modified")
                .flatMap({ Timestamp(httpDate: $0) })
        else { throw incomplete }
        if properties.text(of: "ResourceType") == "directory" { return nil }
        let etag = properties.text(of: "Etag").flatMap(EntityTag.quoted)
        return ListEntry(
            uri: prefix.replacingKey(try name(element)), byteCount: byteCount, etag: etag ?? "",
            lastModified: modified)
    }

    /// Names that XML cannot carry come percent-encoded, and say so.
    private func name(_ element: XMLElement) throws(CloudFailure) -> String {
        guard let name = element.first("Name"), !name.text.isEmpty else { throw incomplete }
        guard name.attributes["Encoded"] == "true" else { return name.text }
        // Not as forms have it: a plus sign is one.
        guard let decoded = PercentEncoding.decode(name.text) else { throw incomplete }
        return decoded
    }

    private var incomplete: CloudFailure {
        CloudFailure.nonsense(request, "with a listing that is not complete")
    }
}
