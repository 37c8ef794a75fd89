internal import BlobCore
internal import CFileShims
internal import Glibc

/// What a directory entry is, as far as the directory itself says.
enum DirectoryEntryKind: Sendable {
    case regularFile
    case directory
    case symbolicLink
    case other
    /// The file system does not say; ask with `lstat`.
    case unknown

    init(type: Int32) {
        switch type {
        case Int32(DT_REG): self = .regularFile
        case Int32(DT_DIR): self = .directory
        case Int32(DT_LNK): self = .symbolicLink
        case Int32(DT_UNKNOWN): self = .unknown
        default: self = .other
        }
    }

    init(_ status: FileStatus) {
        self =
            status.isRegularFile
            ? .regularFile
            : status.isDirectory ? .directory : status.isSymbolicLink ? .symbolicLink : .other
    }
}

/// Reads the names in a directory.
enum DirectoryReader {
    /// Calls `body` for every entry but `.` and `..`, in the order of the file system.
    static func forEachEntry(
        of parent: SharedDescriptor, path: String, _ intent: FileIntent,
        _ body: (UnsafeBufferPointer<UInt8>, DirectoryEntryKind) -> Void
    ) throws(BlobError) {
        // A descriptor of its own: the position in a directory belongs to the open file.
        let descriptor = try FileFailure.check(
            cfile_openat(parent.rawValue, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0),
            "opening a directory", intent)
        var errorNumber: Int32 = 0
        guard let directory = cfile_directory_open(descriptor, &errorNumber) else {
            throw FileFailure.error(errorNumber, "reading a directory", intent)
        }
        defer { cfile_directory_close(directory) }
        while true {
            var name: UnsafePointer<CChar>?
            var byteCount = 0
            var type: Int32 = 0
            let outcome = try FileFailure.check(
                cfile_directory_next(directory, &name, &byteCount, &type), "reading a directory",
                intent)
            guard outcome > 0, let name else { return }
            name.withMemoryRebound(to: UInt8.self, capacity: byteCount) { start in
                let bytes = UnsafeBufferPointer(start: start, count: byteCount)
                let isDots =
                    byteCount <= 2 && bytes.allSatisfy { $0 == UInt8(ascii: ".") }
                if !isDots { body(bytes, DirectoryEntryKind(type: type)) }
            }
        }
    }
}
