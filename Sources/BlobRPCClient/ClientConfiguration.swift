public import BlobWire

/// Settings of a client.
public struct ClientConfiguration: Sendable {
    /// What the server may send unasked: windows for bodies. The defaults trade 32 MiB of memory at
    /// the worst for few grants.
    public var limits: ConnectionLimits
    /// How long to try to reach the server, at first and after a lost connection.
    public var connectTimeout: Duration = .seconds(5)
    /// How long the server may take from the first to the last byte of a frame, and how long it may take
    /// no byte while there is something to write (rules W-52 and W-53). Then the connection counts as
    /// lost, and the next call makes another.
    public var stallTimeout: Duration = .seconds(30)
    /// The pause before the first new try; it doubles, with jitter.
    public var reconnectPause: Duration = .milliseconds(5)
    /// The longest pause between two tries.
    public var maximumReconnectPause: Duration = .seconds(1)
    /// How often a call that is safe to repeat is tried in all.
    public var maximumAttemptCount = 4
    /// Calls that may wait because the server takes no more at once; one more fails with
    /// `overloaded`.
    public var maximumQueuedCallCount = 16_384
    /// The kernel's send buffer to ask for, in bytes; nil keeps the system's default.
    public var sendBufferByteCount: Int? = 1 << 20
    /// The users that the server may run as; nil, the default, for any: who may make a socket in
    /// the path's directory decides then. Compared before a byte is sent, at every connect, with
    /// the user who listened (SO_PEERCRED): for a socket that a service manager made that is the
    /// manager, mostly root. In a user namespace that does not map the server's user, the kernel
    /// shows the overflow user, mostly 65534, and allowing that allows every user not mapped.
    public var allowedServerUserIDs: Set<UInt32>?
    /// Product and version for HELLO.
    public var agentName = "blobrpc-swift/0.1.0"

    /// Default settings.
    public init() {
        limits = ConnectionLimits()
        limits.frames.maximumDataByteCount = 1 << 20
        limits.streamCreditByteCount = 4 << 20
        limits.connectionCreditByteCount = 32 << 20
    }
}
