import BlobCore
import Glibc

/// The socket to connect to and where its name came from.
struct SocketPath: Equatable {
    var path: String
    /// Whether nobody named it.
    var isDefault: Bool

    init(option: String?, variable: String?, defaultPath: String = DefaultPaths.socketPath()) {
        let named = option ?? variable.flatMap { $0.isEmpty ? nil : $0 }
        path = named ?? defaultPath
        isDefault = named == nil
    }

    /// Refuses a default socket in a directory that another user made: below `/tmp` anybody can be
    /// the first to create it and play the server.
    func checkOwner() throws(BlobError) {
        guard isDefault, let slash = path.lastIndex(of: "/") else { return }
        let directory = String(path[..<slash])
        var status = stat()
        // What is not there cannot deceive; the connection will fail with a better message.
        guard lstat(directory, &status) == 0 else { return }
        let isOwn = status.st_uid == geteuid() || status.st_uid == 0
        let isOpen = status.st_mode & 0o002 != 0
        guard isOwn, !isOpen, status.st_mode & S_IFMT == S_IFDIR else {
            throw BlobError(
                .unauthenticatedPeer,
                "\(directory) belongs to or is open to another user; name the socket with --socket",
                origin: .client)
        }
    }
}
