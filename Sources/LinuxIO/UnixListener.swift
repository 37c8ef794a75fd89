internal import CLinuxShims
internal import Glibc

/// What one accept brought.
public enum AcceptResult: ~Copyable, Sendable {
    /// A connection, non-blocking and close-on-exec.
    case connection(OwnedDescriptor)
    /// Nobody is waiting.
    case wouldBlock
    /// This process or the system has no descriptors or memory left; the client keeps waiting.
    case resourceExhausted(errorNumber: Int32)
    /// The listener is unusable or was stopped.
    case failed(SystemError)
}

/// A listening Unix socket at a path that it alone may serve.
///
/// The path appears at once connectable and with its final permissions, because the socket is
/// made under another name and renamed. It never replaces a live socket or a file that is not
/// one. `umask` is not touched: it belongs to the whole process.
public final class UnixListener: Sendable {
    /// The path as given.
    public let path: String

    /// The listening descriptor, to be watched for readability.
    public var descriptor: Int32 { socket.rawValue }

    private let socket: ListeningSocket
    /// Nil when the path is somebody else's.
    private let place: SocketPlace?
    private let systemCalls: SystemCalls

    /// Listens at `path`.
    ///
    /// - Parameters:
    ///   - mode: the permission bits of the socket file: who may write to it may connect.
    ///   - groupID: the group of the socket file, if not the process's own.
    ///   - backlog: how many clients may wait to be accepted; capped by net.core.somaxconn.
    public static func bind(
        path: String, mode: UInt32 = 0o600, groupID: UInt32? = nil, backlog: Int32 = 128,
        systemCalls: SystemCalls = .live
    ) throws(ListenerError) -> UnixListener {
        try UnixListener(
            path: path, mode: mode, groupID: groupID, backlog: backlog, systemCalls: systemCalls)
    }

    private init(
        path: String, mode: UInt32, groupID: UInt32?, backlog: Int32, systemCalls: SystemCalls
    ) throws(ListenerError) {
        let parts = try SocketPathParts(path)
        let directory = try SocketDirectory(path: parts.directory)
        let lock = try SocketPathLock(
            directory: directory, name: parts.fileName + ".lock", path: path)
        let publisher = SocketPublisher(parts: parts, path: path, systemCalls: systemCalls)
        let stale = try publisher.staleSocket(in: directory)
        let socket: OwnedDescriptor
        do throws(SystemError) {
            socket = OwnedDescriptor(owning: try checked(clinux_unix_socket(1), "socket"))
        } catch { throw .system(error) }
        let identity = try publisher.publish(
            socket, in: directory, mode: mode, groupID: groupID, backlog: backlog,
            replacing: stale)
        self.path = path
        self.systemCalls = systemCalls
        self.socket = .own(socket)
        place = SocketPlace(
            directory: directory, lock: lock, fileName: parts.fileName, identity: identity)
    }

    /// Serves a socket that a service manager made. The path, its permissions and its queue are the
    /// manager's, and stay when this listener goes.
    public init(_ inherited: InheritedSocket, systemCalls: SystemCalls = .live) {
        path = inherited.path.isEmpty ? inherited.name : inherited.path
        self.systemCalls = systemCalls
        socket = .inherited(inherited)
        place = nil
    }

    /// Accepts one connection.
    public func accept() -> AcceptResult {
        while true {
            let result = retryingInterrupts { systemCalls.accept(socket.rawValue) }
            if result >= 0 { return .connection(OwnedDescriptor(owning: Int32(result))) }
            switch Int32(truncatingIfNeeded: -result) {
            case EAGAIN: return .wouldBlock
            // That client has gone; the next one may be fine.
            case ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                return .resourceExhausted(errorNumber: Int32(-result))
            default: return .failed(SystemError(result: result, operation: "accept4"))
            }
        }
    }

    /// Refuses new clients from now on, those in the backlog included; those of an inherited socket
    /// wait there for whoever serves it next. The descriptor stays open until the listener is
    /// released, so its number cannot come to mean something else.
    public func stopListening() {
        guard place != nil else { return }
        _ = clinux_shutdown(socket.rawValue, Int32(SHUT_RDWR))
    }

    /// Removes the socket file, if the one at the path is still ours, and the lock file.
    ///
    /// Returns false if somebody else's file is at the path; that stays.
    @discardableResult
    public func removePath() -> Bool {
        place?.remove() ?? false
    }
}

/// A socket that listens, and whose it is.
private enum ListeningSocket: ~Copyable, Sendable {
    case own(OwnedDescriptor)
    case inherited(InheritedSocket)

    var rawValue: Int32 {
        switch self {
        case .own(let descriptor): descriptor.rawValue
        case .inherited(let inherited): inherited.socket.rawValue
        }
    }
}

/// Where a socket of our own is, and our right to be there.
private struct SocketPlace: ~Copyable, Sendable {
    let directory: SocketDirectory
    let lock: SocketPathLock
    let fileName: String
    let identity: FileIdentity

    func remove() -> Bool {
        guard let present = try? directory.status(fileName) else {
            lock.removeFile(in: directory)
            return true
        }
        guard present.isSocket, present.isSameFile(as: identity) else { return false }
        let isRemoved = clinux_unlink_at(directory.descriptor.rawValue, fileName) == 0
        lock.removeFile(in: directory)
        return isRemoved
    }
}

/// A path taken apart.
struct SocketPathParts {
    /// 255 bytes, less the suffix of the lock file.
    static let fileNameByteCountMax = 250

    let directory: String
    let fileName: String

    init(_ path: String) throws(ListenerError) {
        guard !path.utf8.contains(0) else { throw .invalidPath(path) }
        if let slash = path.lastIndex(of: "/") {
            directory = slash == path.startIndex ? "/" : String(path[..<slash])
            fileName = String(path[path.index(after: slash)...])
        } else {
            directory = "."
            fileName = path
        }
        guard !["", ".", ".."].contains(fileName) else { throw .invalidPath(path) }
        guard fileName.utf8.count <= Self.fileNameByteCountMax else {
            throw .pathTooLong(path, byteCountMax: Self.fileNameByteCountMax)
        }
    }
}
