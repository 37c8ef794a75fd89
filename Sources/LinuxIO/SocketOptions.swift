internal import CLinuxShims
internal import Glibc

/// Who is at the other end of a Unix socket, as the kernel saw it when it connected.
public struct PeerCredentials: Sendable, Hashable {
    /// The process; its number may have been given to another process since.
    public let processID: Int32
    /// The effective user.
    public let userID: UInt32
    /// The effective group.
    public let groupID: UInt32

    /// Asks the kernel about the peer of a connected socket.
    public init(ofSocket descriptor: Int32) throws(SystemError) {
        var process: pid_t = 0
        var user: uid_t = 0
        var group: gid_t = 0
        try checked(
            clinux_peer_credentials(descriptor, &process, &user, &group),
            "getsockopt(SO_PEERCRED)")
        processID = process
        userID = user
        groupID = group
    }

    /// The same, with 0 for a process that has ended: its number may be another's. As it is where the
    /// kernel cannot tell (before Linux 6.5) or there is no descriptor to ask with.
    public func withoutEndedProcess(ofSocket descriptor: Int32) -> PeerCredentials {
        do throws(SystemError) {
            guard let process = try Self.processDescriptor(ofSocket: descriptor) else {
                return self
            }
            var request = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
            // Readable once it has ended.
            guard poll(&request, 1, 0) > 0 else { return self }
        } catch {
            // Ended, and waited for, before Linux 6.16.
            guard error.errorNumber == ESRCH else { return self }
        }
        return PeerCredentials(processID: 0, userID: userID, groupID: groupID)
    }

    /// Credentials made up by a test.
    public init(processID: Int32, userID: UInt32, groupID: UInt32) {
        self.processID = processID
        self.userID = userID
        self.groupID = groupID
    }

    /// A descriptor for the peer's process, safe from reuse of the number; nil where the kernel
    /// (before Linux 6.5) cannot give one.
    public static func processDescriptor(
        ofSocket descriptor: Int32
    ) throws(SystemError) -> OwnedDescriptor? {
        let result = clinux_peer_process_descriptor(descriptor)
        if result == -ENOPROTOOPT || result == -ENODATA { return nil }
        return OwnedDescriptor(owning: try checked(result, "getsockopt(SO_PEERPIDFD)"))
    }
}

/// Settings of a socket.
public enum SocketOptions {
    /// Asks for a send buffer and returns what the kernel granted, counted as it counts: twice
    /// the request, for its bookkeeping, capped by net.core.wmem_max.
    @discardableResult
    public static func requestSendBuffer(
        byteCount: Int, descriptor: Int32
    ) throws(SystemError) -> Int {
        try request(clinux_option_send_buffer, "SO_SNDBUF", byteCount, descriptor)
    }

    /// Asks for a receive buffer. Unix stream sockets are limited by the sender's buffer alone.
    @discardableResult
    public static func requestReceiveBuffer(
        byteCount: Int, descriptor: Int32
    ) throws(SystemError) -> Int {
        try request(clinux_option_receive_buffer, "SO_RCVBUF", byteCount, descriptor)
    }

    /// Makes the kernel refuse descriptors sent to this socket. False where it cannot (before
    /// Linux 6.16): received descriptors are then closed on arrival.
    @discardableResult
    public static func refuseDescriptors(descriptor: Int32) throws(SystemError) -> Bool {
        let result = clinux_set_socket_option(descriptor, clinux_option_pass_rights, 0)
        if result == -ENOPROTOOPT || result == -EOPNOTSUPP { return false }
        try checked(result, "setsockopt(SO_PASSRIGHTS)")
        return true
    }

    private static func request(
        _ option: Int32, _ name: String, _ byteCount: Int, _ descriptor: Int32
    ) throws(SystemError) -> Int {
        let value = Int32(clamping: byteCount)
        try checked(clinux_set_socket_option(descriptor, option, value), "setsockopt(\(name))")
        var granted: Int32 = 0
        try checked(clinux_socket_option(descriptor, option, &granted), "getsockopt(\(name))")
        return Int(granted)
    }
}
