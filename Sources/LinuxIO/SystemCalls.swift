internal import CLinuxShims
public import Glibc

/// The one door through which sockets are accepted, connected, read and written.
///
/// Each call returns its result, or the negated errno: no caller ever reads the thread's errno.
/// Tests replace single members to force short transfers, EAGAIN, EINTR and EMFILE. EINTR is
/// handled by the callers of this struct, so an injected EINTR exercises the real retry.
public struct SystemCalls: Sendable {
    /// Accepts one connection, non-blocking and close-on-exec: a descriptor or a negated errno.
    public var accept: @Sendable (_ listener: Int32) -> Int

    /// Connects a Unix socket to a path of at most 107 bytes.
    public var connect: @Sendable (_ socket: Int32, _ path: String) -> Int

    /// recvmsg(2).
    public var receiveMessage:
        @Sendable (_ socket: Int32, _ message: UnsafeMutablePointer<msghdr>, _ flags: Int32) -> Int

    /// sendmsg(2).
    public var sendMessage:
        @Sendable (_ socket: Int32, _ message: UnsafePointer<msghdr>, _ flags: Int32) -> Int

    /// sendfile(2) from an offset; the file's own position is not used.
    public var sendFile:
        @Sendable (_ socket: Int32, _ file: Int32, _ offset: Int64, _ byteCount: Int) -> Int

    /// Who is at the other end of a socket.
    public var peerCredentials: @Sendable (_ socket: Int32) throws(SystemError) -> PeerCredentials

    /// The system's own calls.
    public static let live = SystemCalls(
        accept: { listener in Int(clinux_accept(listener)) },
        connect: { socket, path in Int(clinux_connect(socket, path)) },
        receiveMessage: { socket, message, flags in
            clinux_receive_message(socket, message, flags)
        },
        sendMessage: { socket, message, flags in clinux_send_message(socket, message, flags) },
        sendFile: { socket, file, offset, byteCount in
            clinux_send_file(socket, file, offset, byteCount)
        },
        peerCredentials: { (socket) throws(SystemError) in
            try PeerCredentials(ofSocket: socket)
        })
}
