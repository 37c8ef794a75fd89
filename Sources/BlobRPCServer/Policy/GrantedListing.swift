internal import BlobCore

/// A listing of what is granted below a prefix, and of nothing else (rule W-92).
///
/// Where a grant covers the whole prefix, the store lists it. Where grants lie below it, the store is
/// asked for each of them, one on a page: it never walks over what is not granted, so neither page
/// tokens nor short pages nor time tell what else is there.
struct GrantedListing: Sendable {
    /// What one page shows.
    private enum Place: Sendable {
        /// All below this prefix.
        case below(BlobURI)
        /// The blob of this name.
        case blob(BlobURI)
        /// A common prefix that stands for these places, if there is anything.
        case group(BlobURI, [Place])
    }

    private let prefix: BlobURI
    private let options: ListOptions
    private let grants: [PolicyGrant]
    private let isCovered: Bool

    init(_ grants: [PolicyGrant], _ prefix: BlobURI, _ options: ListOptions) {
        self.prefix = prefix
        self.options = options
        isCovered = grants.contains { $0.coversAll(of: prefix) }
        self.grants = isCovered ? grants : grants.filter { $0.lies(below: prefix) }
    }

    /// Whether a blob is part of the listing.
    func shows(_ uri: BlobURI) -> Bool { grants.contains { $0.covers(uri) } }

    func page(of store: any BlobStore) async throws(BlobError) -> ListPage {
        if isCovered { return try await store.list(prefix, options: options) }
        let places = places()
        // The number of the place, and the store's own token in it.
        var position = 0
        var options = options
        options.pageToken = nil
        if let token = self.options.pageToken {
            let parts = token.split(
                separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let number = Int(parts[0]), number >= 0 else {
                throw BlobError(
                    .invalidArgument,
                    "the page token is not one of this listing; pass nextPageToken unchanged",
                    uri: prefix, origin: .policy)
            }
            position = number
            options.pageToken = parts[1].isEmpty ? nil : String(parts[1])
        }
        guard position < places.count else { return ListPage(entries: []) }
        var page = try await list(places[position], options, store)
        if let token = page.nextPageToken {
            page.nextPageToken = "\(position).\(token)"
        } else if position + 1 < places.count {
            page.nextPageToken = "\(position + 1)."
        }
        return page
    }

    private func list(
        _ place: Place, _ options: ListOptions, _ store: any BlobStore
    ) async throws(BlobError) -> ListPage {
        switch place {
        case .below(let uri): return try await store.list(uri, options: options)
        case .blob(let uri): return try await entry(uri, options, store)
        case .group(let common, let places):
            for place in places where try await hasBlob(place, options, store) {
                return ListPage(entries: [], commonPrefixes: [common])
            }
            return ListPage(entries: [])
        }
    }

    private func hasBlob(
        _ place: Place, _ options: ListOptions, _ store: any BlobStore
    ) async throws(BlobError) -> Bool {
        var options = options
        options.delimiter = nil
        options.pageToken = nil
        options.pageEntryCount = 1
        while true {
            let page = try await list(place, options, store)
            guard page.entries.isEmpty, let token = page.nextPageToken else {
                return !page.entries.isEmpty
            }
            options.pageToken = token
        }
    }

    private func entry(
        _ uri: BlobURI, _ options: ListOptions, _ store: any BlobStore
    ) async throws(BlobError) -> ListPage {
        if let start = options.startAfter, !Self.precedes(start, uri.key) {
            return ListPage(entries: [])
        }
        do throws(BlobError) {
            let metadata = try await store.head(uri, options: GetOptions(call: options.call))
            return ListPage(entries: [
                ListEntry(
                    uri: uri, byteCount: metadata.byteCount, etag: metadata.etag,
                    lastModified: metadata.lastModified)
            ])
        } catch {
            guard error.code == .notFound else { throw error }
            return ListPage(entries: [])
        }
    }

    /// The places in the order of their keys; those with one common prefix lie side by side.
    private func places() -> [Place] {
        let directories = Set(grants.map { prefix.replacingKey($0.directoryKey) })
        func isWithin(_ uri: BlobURI, _ directory: BlobURI) -> Bool {
            uri.key.utf8.starts(with: directory.key.utf8)
        }
        // A grant within another one shows nothing new.
        let outermost = directories.filter { inner in
            !directories.contains { $0 != inner && isWithin(inner, $0) }
        }
        let blobs = Set(grants.filter(\.hasOwnBlob).map(\.prefix)).filter { blob in
            !outermost.contains { isWithin(blob, $0) }
        }
        let places = outermost.map { ($0, Place.below($0)) } + blobs.map { ($0, Place.blob($0)) }
        return places.sorted { Self.precedes($0.0.key, $1.0.key) }
            .reduce(into: []) { grouped, place in
                guard let common = commonPrefix(of: place.0.key) else {
                    grouped.append(place.1)
                    return
                }
                if case .group(common, let members)? = grouped.last {
                    grouped[grouped.count - 1] = .group(common, members + [place.1])
                } else {
                    grouped.append(.group(common, [place.1]))
                }
            }
    }

    /// What stands for the key in a listing with a delimiter; nil when the key ends before one.
    private func commonPrefix(of key: String) -> BlobURI? {
        guard let delimiter = options.delimiter.map({ Array($0.utf8) }), !delimiter.isEmpty else {
            return nil
        }
        let bytes = Array(key.utf8)
        var start = prefix.key.utf8.count
        while start + delimiter.count <= bytes.count {
            let end = start + delimiter.count
            if bytes[start..<end].elementsEqual(delimiter) {
                return prefix.replacingKey(String(decoding: bytes[..<end], as: UTF8.self))
            }
            start += 1
        }
        return nil
    }

    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
