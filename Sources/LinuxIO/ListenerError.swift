/// Why a listening socket could not be made.
public enum ListenerError: Error, Sendable, Equatable {
    /// The path is empty, ends in a slash, or has a zero byte in it.
    case invalidPath(String)
    /// The file name is longer than a file system allows beside its lock file.
    case pathTooLong(String, byteCountMax: Int)
    /// The directory of the path does not exist.
    case parentMissing(String)
    /// What should be the directory of the path is something else.
    case parentNotDirectory(String)
    /// The directory belongs to neither this user nor root.
    case parentForeignOwner(String, userID: UInt32)
    /// Anybody may replace files in the directory: world-writable and not sticky.
    case parentWorldWritable(String)
    /// The lock file is not a plain file of this user or root.
    case lockFileUnsafe(String)
    /// Another process holds the lock of the path, or answers on it.
    case pathInUse(String)
    /// Something that is not a socket is at the path; it is left alone.
    case pathOccupied(String)
    /// What was handed over under this name is no listening Unix stream socket.
    case inheritedUnusable(String)
    /// A system call failed.
    case system(SystemError)
}

extension ListenerError: CustomStringConvertible {
    /// One sentence for the person who configured the path.
    public var description: String {
        switch self {
        case .invalidPath(let path): "'\(path)' is not a path for a socket"
        case .pathTooLong(let path, let maximum):
            "the file name in '\(path)' is longer than \(maximum) bytes"
        case .parentMissing(let path): "directory '\(path)' does not exist"
        case .parentNotDirectory(let path): "'\(path)' is not a directory"
        case .parentForeignOwner(let path, let userID):
            "directory '\(path)' belongs to user \(userID), neither to this user nor to root"
        case .parentWorldWritable(let path):
            "directory '\(path)' is writable by everyone and not sticky"
        case .lockFileUnsafe(let path): "'\(path)' is not a plain file of this user or root"
        case .pathInUse(let path): "another process serves '\(path)'"
        case .pathOccupied(let path): "'\(path)' exists and is not a socket"
        case .inheritedUnusable(let name):
            "what the service manager hands over as '\(name)' is no listening Unix stream socket"
        case .system(let error): error.description
        }
    }
}
