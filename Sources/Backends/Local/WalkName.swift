internal import BlobCore
internal import CFileShims

/// Where a walk goes on.
enum WalkBound: Sendable, Equatable {
    case none
    /// After this path.
    case path([UInt8])
    /// After every path that begins like this.
    case prefix([UInt8])

    /// Whether `path` itself comes after the bound.
    func allows(_ path: [UInt8]) -> Bool {
        switch self {
        case .none: true
        case .path(let bound): WalkName.precedes(bound, path)
        case .prefix(let bound): WalkName.precedes(bound, path) && !path.starts(with: bound)
        }
    }

    /// Whether anything that begins with `path`, a directory, can come after the bound.
    func allowsBelow(_ path: [UInt8]) -> Bool {
        switch self {
        case .none: true
        case .path(let bound): WalkName.precedes(bound, path) || bound.starts(with: path)
        case .prefix(let bound):
            bound.count > path.count && bound.starts(with: path) || allows(path)
        }
    }

    /// The later of this bound and "after `path` and, if it is a directory, all below it".
    func advanced(beyond path: [UInt8]) -> WalkBound {
        // Already further: everything with that beginning is done.
        if case .prefix(let bound) = self, path.starts(with: bound) { return self }
        return path.last == UInt8(ascii: "/") ? .prefix(path) : .path(path)
    }

    /// Whether the bound lies below the directory `path`, so that only some of it comes after.
    func isBelow(_ path: [UInt8]) -> Bool {
        switch self {
        case .none: false
        case .path(let bound), .prefix(let bound): bound.starts(with: path)
        }
    }
}

/// One entry of a directory being walked: its name, with a slash if it is a directory.
struct WalkName: Sendable {
    var bytes: [UInt8]
    var kind: DirectoryEntryKind

    /// The first `maximumCount` names, in order, that can lead to a path with `prefix` after
    /// `bound`, and whether there are more.
    static func read(
        _ directory: SharedDescriptor, below path: [UInt8], prefix: [UInt8],
        after bound: WalkBound, maximumCount: Int
    ) throws(BlobError) -> (names: [WalkName], isCutOff: Bool) {
        var names: [WalkName] = []
        var isCutOff = false
        try DirectoryReader.forEachEntry(of: directory, path: ".", .read) { bytes, kind in
            guard let name = make(bytes, kind, directory) else { return }
            let whole = path + name.bytes
            guard mayMatch(whole, name.kind, prefix, bound) else { return }
            names.append(name)
            // Sorting in bulk costs less than keeping a heap; memory stays within twice the limit.
            if names.count >= 2 * maximumCount {
                keepFirst(maximumCount, of: &names)
                isCutOff = true
            }
        }
        if names.count > maximumCount { isCutOff = true }
        keepFirst(maximumCount, of: &names)
        return (names, isCutOff)
    }

    /// Whether `left` comes before `right`, byte by byte.
    static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.lexicographicallyPrecedes(right)
    }

    private static func keepFirst(_ count: Int, of names: inout [WalkName]) {
        names.sort { precedes($0.bytes, $1.bytes) }
        if names.count > count { names.removeLast(names.count - count) }
    }

    /// Nil for what is never listed: our own files (FS-04), pipes and the like (FS-11), and names
    /// that are not UTF-8, which no URI can hold.
    private static func make(
        _ bytes: UnsafeBufferPointer<UInt8>, _ kind: DirectoryEntryKind,
        _ directory: SharedDescriptor
    ) -> WalkName? {
        guard !LocalPathRules.isStaging(bytes),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        var kind = kind
        if kind == .unknown {
            var status = FileStatus()
            guard cfile_lstatat(directory.rawValue, text, &status) == 0 else { return nil }
            kind = DirectoryEntryKind(status)
        }
        switch kind {
        case .directory: return WalkName(bytes: Array(bytes) + [UInt8(ascii: "/")], kind: kind)
        case .regularFile, .symbolicLink: return WalkName(bytes: Array(bytes), kind: kind)
        case .other, .unknown: return nil
        }
    }

    private static func mayMatch(
        _ path: [UInt8], _ kind: DirectoryEntryKind, _ prefix: [UInt8], _ bound: WalkBound
    ) -> Bool {
        guard kind == .directory else { return path.starts(with: prefix) && bound.allows(path) }
        return (path.starts(with: prefix) || prefix.starts(with: path)) && bound.allowsBelow(path)
    }
}
