internal import CLinuxShims
internal import Glibc

/// A directory that was judged safe for a socket, held open.
///
/// All later steps name files relative to this descriptor, so nobody can slip another directory
/// in between the check and the use.
struct SocketDirectory: ~Copyable, Sendable {
    let path: String
    let descriptor: OwnedDescriptor

    init(path: String) throws(ListenerError) {
        let opened = try Self.open(path)
        try Self.judge(opened, path: path)
        self.path = path
        descriptor = opened
    }

    private static func open(_ path: String) throws(ListenerError) -> OwnedDescriptor {
        let result = clinux_open_directory(path)
        if result == -ENOENT { throw .parentMissing(path) }
        if result == -ENOTDIR { throw .parentNotDirectory(path) }
        try listenerChecked(result, "open(\(path))")
        return OwnedDescriptor(owning: result)
    }

    private static func judge(
        _ opened: borrowing OwnedDescriptor, path: String
    ) throws(ListenerError) {
        var status = stat()
        try listenerChecked(clinux_stat_descriptor(opened.rawValue, &status), "fstat")
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .parentForeignOwner(path, userID: status.st_uid)
        }
        let isSticky = status.st_mode & 0o1000 != 0
        guard status.st_mode & 0o002 == 0 || isSticky else { throw .parentWorldWritable(path) }
    }

    /// What is at `name`, not following a link; nil if nothing is.
    func status(_ name: String) throws(ListenerError) -> FileIdentity? {
        var status = stat()
        let result = clinux_stat_at(descriptor.rawValue, name, &status)
        if result == -ENOENT { return nil }
        try listenerChecked(result, "fstatat(\(name))")
        return FileIdentity(status)
    }

    /// A path to `name` for bind and connect: short however long the directory's path is.
    func shortPath(_ name: String) -> String {
        "/proc/self/fd/\(descriptor.rawValue)/\(name)"
    }
}

/// Which file it is, whatever its name.
struct FileIdentity: Sendable, Equatable {
    let device: UInt64
    let inode: UInt64
    let mode: UInt32
    let userID: UInt32

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        mode = status.st_mode
        userID = status.st_uid
    }

    var isSocket: Bool { mode & 0o170000 == 0o140000 }
    var isPlainFile: Bool { mode & 0o170000 == 0o100000 }

    func isSameFile(as other: FileIdentity?) -> Bool {
        device == other?.device && inode == other?.inode
    }
}

/// `checked`, with the listener's error type.
func listenerChecked(_ result: Int32, _ operation: String) throws(ListenerError) {
    if result < 0 { throw .system(SystemError(result: Int(result), operation: operation)) }
}
