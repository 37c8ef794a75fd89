internal import CLinuxShims
internal import Glibc

/// Two connected, non-blocking Unix sockets. Ends that nobody takes are closed.
public struct SocketPair: ~Copyable, Sendable {
    private var first: OwnedDescriptor?
    private var second: OwnedDescriptor?

    /// Makes the pair.
    public init() throws(SystemError) {
        var numbers: [Int32] = [-1, -1]
        try checked(clinux_unix_socket_pair(&numbers), "socketpair")
        first = OwnedDescriptor(owning: numbers[0])
        second = OwnedDescriptor(owning: numbers[1])
    }

    /// Hands out one end.
    ///
    /// - Throws: EBADF the second time.
    public mutating func takeFirst() throws(SystemError) -> OwnedDescriptor {
        guard let end = first.take() else { throw Self.taken }
        return end
    }

    /// Hands out the other end.
    ///
    /// - Throws: EBADF the second time.
    public mutating func takeSecond() throws(SystemError) -> OwnedDescriptor {
        guard let end = second.take() else { throw Self.taken }
        return end
    }

    private static var taken: SystemError {
        SystemError(errorNumber: EBADF, operation: "taking an end of a socket pair again")
    }
}
