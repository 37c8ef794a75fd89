internal import Backends
internal import BlobCore

/// ListObjectsV2, whose order is the bytes' own (W-76); several services know it.
struct BucketListing: Sendable {
    private let prefix: BlobURI
    private let options: ListOptions

    init(_ prefix: BlobURI, _ options: ListOptions) throws(BlobError) {
        try ListRules.check(options, prefix)
        self.prefix = prefix
        self.options = options
    }

    func page(by client: CloudClient) async throws(BlobError) -> ListPage {
        let request = request
        do throws(CloudFailure) {
            let reply = try await client.reply(
                request, maximumByteCount: Self.maximumListingByteCount,
                deadline: CallDeadline(options.call))
            return try BucketPage(reply.document, request).page(prefix)
        } catch {
            throw error.error.on(prefix)
        }
    }

    private var request: CloudRequest {
        var request = CloudRequest(.get, prefix.replacingKey(""), "listing the bucket")
        request.query = [
            (name: "list-type", value: "2"),
            // XML holds no control characters, keys may.
            (name: "encoding-type", value: "url"),
            (name: "max-keys", value: String(options.pageEntryCount)),
        ]
        request.expectsDocument = true
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { request.query.append((name: name, value: value)) }
        }
        add("prefix", prefix.key)
        add("delimiter", options.delimiter)
        // A token comes from a page that already began after `startAfter`.
        if let token = options.pageToken {
            add("continuation-token", token)
        } else {
            add("start-after", options.startAfter)
        }
        return request
    }

    /// A thousand keys of a kilobyte, each byte written as three, with the rest of their entries.
    private static let maximumListingByteCount = 8 << 20
}

/// The answer to ListObjectsV2.
private struct BucketPage {
    let document: XMLElement
    let request: CloudRequest
    let isEncoded: Bool

    init(_ document: XMLElement, _ request: CloudRequest) throws(CloudFailure) {
        guard document.name == "ListBucketResult" else {
            throw CloudFailure.nonsense(request, "with something that is no listing")
        }
        self.document = document
        self.request = request
        isEncoded = document.text(of: "EncodingType") == "url"
    }

    func page(_ prefix: BlobURI) throws(CloudFailure) -> ListPage {
        var page = ListPage(entries: [])
        for element in document.all("Contents") {
            page.entries.append(try entry(element, prefix))
        }
        for element in document.all("CommonPrefixes") {
            guard let text = element.text(of: "Prefix") else { throw incomplete }
            page.commonPrefixes.append(prefix.replacingKey(try decoded(text)))
        }
        if document.text(of: "IsTruncated") == "true" {
            guard let token = document.text(of: "NextContinuationToken"), !token.isEmpty else {
                throw incomplete
            }
            page.nextPageToken = token
        }
        return page
    }

    private func entry(_ element: XMLElement, _ prefix: BlobURI) throws(CloudFailure) -> ListEntry {
        guard let key = element.text(of: "Key"),
            let byteCount = element.text(of: "Size").flatMap({ ByteCount.parse($0) }),
            let modified = element.text(of: "LastModified").flatMap({ Timestamp(iso8601: $0) })
        else { throw incomplete }
        let etag = element.text(of: "ETag").flatMap(EntityTag.quoted)
        return ListEntry(
            uri: prefix.replacingKey(try decoded(key)), byteCount: byteCount, etag: etag ?? "",
            lastModified: modified)
    }

    private func decoded(_ text: String) throws(CloudFailure) -> String {
        guard isEncoded else { return text }
        guard let decoded = PercentEncoding.decodeForm(text) else { throw incomplete }
        return decoded
    }

    private var incomplete: CloudFailure {
        CloudFailure.nonsense(request, "with a listing that is not complete")
    }
}
