public import BlobCore
internal import CFileShims

extension LocalBackend {
    /// Lists regular files in ascending order of their paths' bytes (W-76).
    ///
    /// With the delimiter `/` a subdirectory is a prefix without being looked into, hence also when
    /// it is empty.
    public func list(
        _ prefix: BlobURI, options: ListOptions
    ) async throws(BlobError) -> ListPage {
        let path = try roots.locatePrefix(prefix)
        guard (1...ListOptions.maximumPageEntryCount).contains(options.pageEntryCount) else {
            throw BlobError(.invalidArgument, "a page has 1 to 1000 entries", uri: prefix)
        }
        guard options.delimiter?.isEmpty != true else {
            throw BlobError(.invalidArgument, "the delimiter is empty; leave it out", uri: prefix)
        }
        let listing: Listing
        do {
            listing = try Listing(path: path, options: options)
        } catch {
            throw error.on(prefix)
        }
        return try await hops.run(on: prefix) { () throws(BlobError) in try listing.page() }
    }
}

/// One page of a listing being made; blocks.
struct Listing: Sendable {
    private let root: LocalRoot
    /// The prefix below the root.
    private let prefix: [UInt8]
    private let delimiter: [UInt8]?
    private let bound: WalkBound
    private let maximumCount: Int

    init(path: LocalPath, options: ListOptions) throws(BlobError) {
        root = path.root
        prefix = Array(path.key.utf8.dropFirst(path.relativeOffset))
        delimiter = options.delimiter.map { Array($0.utf8) }
        maximumCount = Int(options.pageEntryCount)
        // A token comes from a page that already began after `startAfter`.
        if let token = options.pageToken {
            bound = try PageToken.bound(token, prefix: prefix)
        } else {
            bound = options.startAfter.map { Self.bound(after: $0, in: path.root) } ?? .none
        }
    }

    func page() throws(BlobError) -> ListPage {
        var page = ListPage(entries: [])
        var last: PageToken?
        var walk = try SortedWalk(
            root: root, prefix: prefix, after: bound, windowEntryCount: maximumCount + 1)
        while let item = try walk.next(skipsDirectory: isOnePrefix) {
            if page.entries.count + page.commonPrefixes.count == maximumCount {
                page.nextPageToken = last?.text(prefix: prefix)
                return page
            }
            switch item {
            case .directory(let path):
                let common = commonPrefix(of: path) ?? path
                page.commonPrefixes.append(uri(common))
                last = .prefix(common)
                walk.skip(everythingBelow: common)
            case .blob(let path, let status):
                if let common = commonPrefix(of: path) {
                    page.commonPrefixes.append(uri(common))
                    last = .prefix(common)
                    walk.skip(everythingBelow: common)
                } else {
                    page.entries.append(
                        ListEntry(
                            uri: uri(path), byteCount: status.byte_count, etag: status.etag,
                            lastModified: status.lastModified))
                    last = .path(path)
                }
            }
        }
        return page
    }

    /// Whether all below the directory `path` is one common prefix and can be left unread. Only for
    /// the delimiter `/`: with another one an empty directory must not become a prefix. And not
    /// where the page begins inside the directory: nothing may be left of it.
    private func isOnePrefix(_ path: [UInt8]) -> Bool {
        delimiter == [UInt8(ascii: "/")] && commonPrefix(of: path) != nil && !bound.isBelow(path)
    }

    /// `path` up to and including the first delimiter after the prefix; nil without one.
    private func commonPrefix(of path: [UInt8]) -> [UInt8]? {
        guard let delimiter, path.count >= prefix.count + delimiter.count else { return nil }
        for start in prefix.count...(path.count - delimiter.count)
        where path[start...].starts(with: delimiter) {
            return Array(path[..<(start + delimiter.count)])
        }
        return nil
    }

    private func uri(_ path: [UInt8]) -> BlobURI {
        BlobURI(
            scheme: .file, container: "",
            key: root.path + "/" + String(decoding: path, as: UTF8.self))
    }

    /// `startAfter` is a whole key: it may lie before or after everything below the root.
    private static func bound(after key: String, in root: LocalRoot) -> WalkBound {
        let key = Array(key.utf8)
        let start = root.pathBytes + [UInt8(ascii: "/")]
        if key.starts(with: start) { return .path(Array(key.dropFirst(start.count))) }
        return WalkName.precedes(key, start) ? .none : .prefix([])
    }
}

/// Where a page ended: a letter for the kind, then what follows the prefix of the listing. Nothing
/// is kept in the server, and the token tells nothing that the listing does not.
enum PageToken: Sendable, Equatable {
    case path([UInt8])
    case prefix([UInt8])

    func text(prefix: [UInt8]) -> String {
        switch self {
        case .path(let path): "k" + String(decoding: path.dropFirst(prefix.count), as: UTF8.self)
        case .prefix(let path): "p" + String(decoding: path.dropFirst(prefix.count), as: UTF8.self)
        }
    }

    static func bound(_ token: String, prefix: [UInt8]) throws(BlobError) -> WalkBound {
        let path = prefix + Array(token.utf8.dropFirst())
        switch token.utf8.first {
        case UInt8(ascii: "k"): return .path(path)
        case UInt8(ascii: "p"): return .prefix(path)
        default:
            throw BlobError(
                .invalidArgument,
                "the page token is not one of this store; pass nextPageToken unchanged")
        }
    }
}
