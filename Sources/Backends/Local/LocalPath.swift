internal import BlobCore

/// A blob's place: a root and a path below it that was checked.
struct LocalPath: Sendable {
    let root: LocalRoot
    /// The absolute path, as the caller wrote it.
    let key: String
    /// Where in the UTF-8 of `key` the path below the root begins.
    let relativeOffset: Int

    /// Calls `body` with the path below the root. No copy: it is the tail of the key's own bytes.
    func withRelativePath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        key.withCString { body($0 + relativeOffset) }
    }

    /// The path below the root up to the last slash, empty for a child of the root, and the rest.
    var split: (parent: String, name: String) {
        let relative = key.utf8.dropFirst(relativeOffset)
        guard let slash = relative.lastIndex(of: UInt8(ascii: "/")) else {
            return ("", String(Substring(relative)))
        }
        return (
            String(Substring(relative[..<slash])),
            String(Substring(relative[relative.index(after: slash)...]))
        )
    }
}

/// The rules for the part of a key below its root.
enum LocalPathRules {
    /// The longest path the kernel takes, without its NUL.
    static let maximumPathByteCount = 4095
    /// The longest component.
    static let maximumComponentByteCount = 255
    /// Every name that begins like this belongs to the store and is invisible (FS-04).
    static let stagingName = ".blobrpc-staging"

    /// Why `path` cannot name a blob; nil when it can.
    static func problem(inBlobPath path: UnsafeBufferPointer<UInt8>) -> StaticString? {
        if path.isEmpty { return "it names a root directory, not a blob" }
        return problem(in: path, lastComponentIsPartial: false)
    }

    /// Why `path` cannot begin the path of a blob; nil when it can.
    static func problem(inPrefix path: UnsafeBufferPointer<UInt8>) -> StaticString? {
        problem(in: path, lastComponentIsPartial: true)
    }

    private static func problem(
        in path: UnsafeBufferPointer<UInt8>, lastComponentIsPartial: Bool
    ) -> StaticString? {
        if path.count > maximumPathByteCount { return "its path is longer than 4095 bytes" }
        var start = 0
        for position in 0...path.count {
            let isEnd = position == path.count
            if !isEnd && path[position] == 0 { return "its path contains a NUL byte" }
            guard isEnd || path[position] == UInt8(ascii: "/") else { continue }
            let component = UnsafeBufferPointer(rebasing: path[start..<position])
            if !(isEnd && lastComponentIsPartial), let problem = problem(inComponent: component) {
                return problem
            }
            start = position + 1
        }
        return nil
    }

    /// FS-01, FS-04, FS-05: what the kernel would resolve away, refuse or confuse with our own.
    private static func problem(inComponent name: UnsafeBufferPointer<UInt8>) -> StaticString? {
        switch name.count {
        case 0: return "its path has an empty component or ends with a slash"
        case 1 where name[0] == UInt8(ascii: "."): return "its path has a '.' component"
        case 2 where name[0] == UInt8(ascii: ".") && name[1] == UInt8(ascii: "."):
            return "its path has a '..' component"
        case (maximumComponentByteCount + 1)...:
            return "a component of its path is longer than 255 bytes"
        default:
            return isStaging(name) ? "names beginning .blobrpc-staging are reserved" : nil
        }
    }

    /// Whether a directory entry of this name belongs to the store.
    static func isStaging(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        name.count >= stagingName.utf8.count && name.starts(with: stagingName.utf8)
    }
}
