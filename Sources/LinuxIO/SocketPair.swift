internal import CLinuxShims

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

    /// Hands out one end. Traps the second time.
    public mutating func takeFirst() -> OwnedDescriptor {
        guard let end = first.take() else { preconditionFailure("the first end was taken") }
        return end
    }

    /// Hands out the other end. Traps the second time.
    public mutating func takeSecond() -> OwnedDescriptor {
        guard let end = second.take() else { preconditionFailure("the second end was taken") }
        return end
    }
}
