internal import CLinuxShims
internal import Glibc

/// Puts a socket at its path. The caller holds the lock of the path.
struct SocketPublisher {
    let parts: SocketPathParts
    let path: String
    let systemCalls: SystemCalls

    /// The dead socket at the path, if any; throws if something must not be replaced.
    func staleSocket(
        in directory: borrowing SocketDirectory
    ) throws(ListenerError) -> FileIdentity? {
        guard let present = try directory.status(parts.fileName) else { return nil }
        guard present.isSocket else { throw .pathOccupied(path) }
        // The lock is ours, so a server of this kind is gone; but some other program, which does
        // not know about the lock, may be alive behind the socket.
        let file = clinux_open_path(directory.shortPath(parts.fileName))
        if file == -ENOENT { return nil }
        try listenerChecked(file, "open(\(path))")
        let opened = OwnedDescriptor(owning: file)
        let number = clinux_unix_socket(1)
        try listenerChecked(number, "socket")
        let probe = OwnedDescriptor(owning: number)
        let result = retryingInterrupts {
            systemCalls.connect(probe.rawValue, "/proc/self/fd/\(opened.rawValue)")
        }
        switch result {
        case -Int(ECONNREFUSED): return present
        // EAGAIN is a full backlog, EPROTOTYPE a datagram socket: both have an owner.
        case 0..., -Int(EAGAIN), -Int(EPROTOTYPE): throw .pathInUse(path)
        default: throw .system(SystemError(result: result, operation: "connect(\(path))"))
        }
    }

    /// Binds and listens under a temporary name, then moves the socket to its path.
    func publish(
        _ socket: borrowing OwnedDescriptor, in directory: borrowing SocketDirectory, mode: UInt32,
        groupID: UInt32?, backlog: Int32, replacing stale: FileIdentity?
    ) throws(ListenerError) -> FileIdentity {
        let name = ".bind-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        // bind gives the file the socket's own mode, less the umask. With no permissions to start
        // with there is no moment in which a stranger could connect under the temporary name.
        try listenerChecked(clinux_set_mode(socket.rawValue, 0), "fchmod")
        try bind(socket, name: name, in: directory)
        do throws(ListenerError) {
            let number = directory.descriptor.rawValue
            if let groupID {
                try listenerChecked(clinux_set_group_at(number, name, groupID), "fchownat")
            }
            try listenerChecked(clinux_set_mode_at(number, name, mode), "fchmodat")
            try listenerChecked(clinux_listen(socket.rawValue, backlog), "listen")
            guard let identity = try directory.status(name) else {
                throw .system(SystemError(errorNumber: ENOENT, operation: "fstatat(\(name))"))
            }
            try move(name, in: directory, replacing: stale)
            return identity
        } catch {
            _ = clinux_unlink_at(directory.descriptor.rawValue, name)
            throw error
        }
    }

    private func bind(
        _ socket: borrowing OwnedDescriptor, name: String, in directory: borrowing SocketDirectory
    ) throws(ListenerError) {
        var result = clinux_bind(socket.rawValue, directory.shortPath(name))
        // Without /proc the plain path has to do, if it fits.
        if result == -ENOENT { result = clinux_bind(socket.rawValue, "\(directory.path)/\(name)") }
        if result == -ENAMETOOLONG {
            let maximum = socketPathByteCountMax - name.utf8.count - 1
            throw .pathTooLong(path, byteCountMax: maximum)
        }
        try listenerChecked(result, "bind")
    }

    private func move(
        _ name: String, in directory: borrowing SocketDirectory, replacing stale: FileIdentity?
    ) throws(ListenerError) {
        let number = directory.descriptor.rawValue
        guard let stale else {
            let result = clinux_rename_exclusive(number, name, parts.fileName)
            if result == -EEXIST { throw .pathInUse(path) }
            return try listenerChecked(result, "rename")
        }
        // Exchanged, not replaced: what was at the path is looked at before it goes. Should it
        // not be the dead socket any more, both names are put back as they were.
        try listenerChecked(
            clinux_rename_exchange(number, name, parts.fileName), "renameat2(RENAME_EXCHANGE)")
        guard stale.isSameFile(as: try directory.status(name)) else {
            let undone = clinux_rename_exchange(number, name, parts.fileName)
            try listenerChecked(undone, "renameat2(RENAME_EXCHANGE)")
            throw .pathInUse(path)
        }
        try listenerChecked(clinux_unlink_at(number, name), "unlink")
    }
}
