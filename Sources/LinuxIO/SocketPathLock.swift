internal import CLinuxShims
internal import Glibc

/// The right to serve a socket path: an advisory lock on `PATH.lock`.
///
/// The kernel drops the lock with its holder, so a crash leaves nothing to clean up and two
/// processes that find the same stale socket cannot both take its place.
struct SocketPathLock: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    private let name: String

    init(directory: borrowing SocketDirectory, name: String, path: String) throws(ListenerError) {
        while true {
            let number = clinux_open_lock_file(directory.descriptor.rawValue, name)
            if number == -ELOOP || number == -EISDIR || number == -ENXIO {
                throw .lockFileUnsafe(path + ".lock")
            }
            try listenerChecked(number, "open(\(name))")
            let opened = OwnedDescriptor(owning: number)
            var status = stat()
            try listenerChecked(clinux_stat_descriptor(number, &status), "fstat")
            let identity = FileIdentity(status)
            guard identity.isPlainFile, identity.userID == geteuid() || identity.userID == 0 else {
                throw .lockFileUnsafe(path + ".lock")
            }
            let result = clinux_try_lock(number)
            if result == -EWOULDBLOCK { throw .pathInUse(path) }
            try listenerChecked(result, "flock")
            // The holder before us may have removed the file between our open and our lock: then
            // the lock is on a file that nobody else can find, and proves nothing.
            if identity.isSameFile(as: try directory.status(name)) {
                descriptor = opened
                self.name = name
                return
            }
        }
    }

    /// Removes the lock file. Only while the lock is held, and after the socket path is gone.
    func removeFile(in directory: borrowing SocketDirectory) {
        _ = clinux_unlink_at(directory.descriptor.rawValue, name)
    }
}
