import BlobCore
import Glibc

/// A file that appears under its name whole or not at all: written beside its destination and
/// renamed at the end. What is not committed is removed, also by a signal.
struct AtomicFile: ~Copyable {
    private let file: OpenFile
    private let destination: String
    /// The permissions of the finished file.
    private let mode: mode_t

    /// Creates the hidden file beside `destination`. A symbolic link is followed: what it points to
    /// is replaced, not the link.
    init(destination: String) throws(BlobError) {
        let target = Self.resolvingLink(destination)
        var status = stat()
        mode =
            stat(target, &status) == 0
            ? status.st_mode & 0o777 : 0o666 & ~Self.processMask
        self.destination = target
        let (directory, name) = Self.split(target)
        // The random part keeps two downloads to one name apart; O_EXCL makes it certain.
        for attempt in 1... {
            let random = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            // Cut so that the longest possible name still has room for the rest.
            let path = "\(directory).\(name.prefix(32)).\(random).blobctl-part"
            do throws(BlobError) {
                file = try ExitCleanup.register(path) { () throws(BlobError) in
                    try OpenFile(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
                }
                return
            } catch {
                guard attempt == 3 else { continue }
                var error = error
                // The temporary name alone would puzzle whoever gave another one.
                error.message += " (the temporary file of \(target))"
                throw error
            }
        }
        throw BlobError(.inputOutput, "cannot create a temporary file beside \(target)")
    }

    deinit {
        ExitCleanup.discard(file.path)
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: Bytes, at offset: UInt64) throws(BlobError) {
        try bytes.withUnsafeBytes { (raw) throws(BlobError) in try file.write(raw, at: offset) }
    }

    /// Gives the file its permissions and its name.
    ///
    /// - Parameter synchronizes: Whether bytes and name have to be on the disk before this returns.
    consuming func commit(synchronizes: Bool) throws(BlobError) {
        guard fchmod(file.descriptor, mode) == 0 else {
            throw BlobError.system("set the permissions of", file.path)
        }
        if synchronizes {
            guard fsync(file.descriptor) == 0 else { throw BlobError.system("sync", file.path) }
        }
        let (from, to) = (file.path, destination)
        try ExitCleanup.settle(from) { () throws(BlobError) in
            guard rename(from, to) == 0 else { throw BlobError.system("replace", to) }
        }
        if synchronizes {
            let directory = Self.split(destination).directory
            let parent = try OpenFile(
                path: directory.isEmpty ? "." : directory, flags: O_RDONLY | O_DIRECTORY)
            guard fsync(parent.descriptor) == 0 else { throw BlobError.system("sync", directory) }
        }
    }

    /// The part up to and including the last slash, and the part after it.
    private static func split(_ path: String) -> (directory: String, name: Substring) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path[...]) }
        let start = path.index(after: slash)
        return (String(path[..<start]), path[start...])
    }

    private static func resolvingLink(_ path: String) -> String {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
            let resolved = realpath(path, nil)
        else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The mask of the process. It can only be read by changing it for a moment, hence once.
    private static let processMask: mode_t = {
        let mask = umask(0o077)
        umask(mask)
        return mask
    }()
}
