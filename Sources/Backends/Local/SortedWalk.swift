internal import BlobCore
internal import CFileShims
internal import Glibc

/// Walks the blobs below a directory in ascending order of the bytes of their paths, reading no more
/// directories than the caller takes blobs out of.
///
/// A directory sorts as its name with a slash, because that is how the paths below it begin. Of a
/// directory at most `windowEntryCount` names are in memory; a larger one is read again for the next.
struct SortedWalk {
    /// One blob, or a directory that the caller did not want to be walked.
    enum Item {
        case blob(path: [UInt8], status: FileStatus)
        case directory(path: [UInt8])
    }

    private struct Frame {
        /// Empty for the root of the walk, else with a trailing slash.
        var path: [UInt8]
        var names: [WalkName] = []
        var next = 0
        /// Whether names after the last of `names` were left out.
        var isCutOff = false
        var descriptor: SharedDescriptor?
    }

    private let root: LocalRoot
    private let prefix: [UInt8]
    /// Nothing up to and including this path is delivered.
    private var lowerBound: WalkBound
    private let windowEntryCount: Int
    private var frames: [Frame] = []

    /// Prepares a walk over the paths (relative to `root`) that begin with `prefix`.
    init(
        root: LocalRoot, prefix: [UInt8], after lowerBound: WalkBound, windowEntryCount: Int
    ) throws(BlobError) {
        self.root = root
        self.prefix = prefix
        self.lowerBound = lowerBound
        self.windowEntryCount = max(1, windowEntryCount)
        let lastSlash = prefix.lastIndex(of: UInt8(ascii: "/"))
        let start = Array(prefix[..<(lastSlash.map { $0 + 1 } ?? 0)])
        try push(start, isStart: true)
    }

    /// The next item; nil at the end.
    ///
    /// - Parameter skipsDirectory: Asked for each directory inside the prefix: true delivers the
    ///   directory instead of what is below it.
    mutating func next(
        skipsDirectory: ([UInt8]) -> Bool
    ) throws(BlobError) -> Item? {
        while var frame = frames.popLast() {
            guard frame.next < frame.names.count else {
                if frame.isCutOff, let last = frame.names.last {
                    lowerBound = lowerBound.advanced(beyond: frame.path + last.bytes)
                    try push(frame.path, isStart: false)
                }
                continue
            }
            let name = frame.names[frame.next]
            frame.next += 1
            let path = frame.path + name.bytes
            if name.kind == .directory {
                // One descriptor at a time: a deep tree must not use them up.
                frame.descriptor = nil
                frames.append(frame)
                if path.count > prefix.count, skipsDirectory(path) {
                    return .directory(path: path)
                }
                try push(path, isStart: false)
                continue
            }
            let descriptor = try reopened(&frame)
            frames.append(frame)
            if let descriptor, let status = status(of: name, in: descriptor, path: path) {
                return .blob(path: path, status: status)
            }
        }
        return nil
    }

    /// Skips everything that begins with `prefix`.
    mutating func skip(everythingBelow prefix: [UInt8]) {
        lowerBound = .prefix(prefix)
        // Frames inside the prefix have nothing left to give.
        frames.removeAll { $0.path.starts(with: prefix) }
        for index in frames.indices {
            while frames[index].next < frames[index].names.count {
                let path = frames[index].path + frames[index].names[frames[index].next].bytes
                guard path.starts(with: prefix) else { break }
                frames[index].next += 1
            }
        }
    }

    private mutating func push(_ path: [UInt8], isStart: Bool) throws(BlobError) {
        var frame = Frame(path: path)
        guard let descriptor = try open(path, isStart: isStart) else { return }
        let (names, isCutOff) = try WalkName.read(
            descriptor, below: path, prefix: prefix, after: lowerBound,
            maximumCount: windowEntryCount)
        frame.descriptor = descriptor
        frame.names = names
        frame.isCutOff = isCutOff
        frames.append(frame)
    }

    /// Nil when there is no such directory (any more). Links are followed only on the path that the
    /// caller wrote; a link that was put in the place of a directory meanwhile is not.
    private func open(_ path: [UInt8], isStart: Bool) throws(BlobError) -> SharedDescriptor? {
        let text = String(decoding: path.dropLast(), as: UTF8.self)
        do {
            return try root.open(
                text, O_RDONLY | O_DIRECTORY | (isStart ? 0 : O_NOFOLLOW), "listing a directory",
                .read)
        } catch {
            // Too deep for a path means too deep for a key.
            guard error.code == .notFound || error.code == .invalidURI else { throw error }
            return nil
        }
    }

    private func reopened(_ frame: inout Frame) throws(BlobError) -> SharedDescriptor? {
        if let descriptor = frame.descriptor { return descriptor }
        frame.descriptor = try open(frame.path, isStart: true)
        return frame.descriptor
    }

    /// Nil for what is no blob (any more).
    private func status(
        of name: WalkName, in directory: SharedDescriptor, path: [UInt8]
    ) -> FileStatus? {
        var status = FileStatus()
        let text = String(decoding: name.bytes, as: UTF8.self)
        guard cfile_lstatat(directory.rawValue, text, &status) == 0 else { return nil }
        if status.isSymbolicLink {
            // As for a reader: the target, if it lies inside the root.
            let outcome = cfile_head(
                root.directory.rawValue, String(decoding: path, as: UTF8.self), root.resolution,
                &status, nil, nil)
            guard outcome == 0 else { return nil }
        }
        return status.isRegularFile ? status : nil
    }
}
