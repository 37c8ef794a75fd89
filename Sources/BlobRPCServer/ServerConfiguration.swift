public import LinuxIO

/// One socket of the server: where it is and what its peers may do. What its ``policy`` says can be
/// read and written on it directly.
@dynamicMemberLookup
public struct ListenerConfiguration: Sendable {
    /// The path of the socket.
    public var path: String
    /// What a service manager calls the socket, if it makes it.
    public var name: String?
    /// The socket, where a service manager made it; `mode` and `backlog` are the manager's then.
    public var inherited: InheritedSocket?
    /// The permission bits of the socket file.
    public var mode: UInt32 = 0o600
    /// Connections waiting to be accepted.
    public var backlog: Int32 = 1024
    /// What the peers may do and take.
    public var policy = ListenerPolicy()

    /// A listener at `path` with the policy of a trusted socket.
    public init(path: String) {
        self.path = path
    }

    /// A value of the policy.
    public subscript<Value>(
        dynamicMember keyPath: WritableKeyPath<ListenerPolicy, Value>
    ) -> Value {
        get { policy[keyPath: keyPath] }
        set { policy[keyPath: keyPath] = newValue }
    }
}

/// How long a peer may take (rules W-03, W-51 to W-54).
public struct SessionTimeouts: Sendable, Hashable {
    /// From accept to HELLO.
    public var handshake: Duration = .seconds(5)
    /// From the first to the last byte of a frame.
    public var partialFrame: Duration = .seconds(30)
    /// Without the peer taking a byte while there is something to write.
    public var writeStall: Duration = .seconds(30)
    /// Without a byte of a body moving while the server waits for the peer.
    public var streamProgress: Duration = .seconds(30)
    /// Without any call; nil keeps idle connections for ever.
    public var idle: Duration?

    /// The times of a trusted socket.
    public init() {}
}

/// The whole server.
public struct ServerConfiguration: Sendable {
    /// The sockets.
    public var listeners: [ListenerConfiguration]
    /// Event loops, each a thread; connections are dealt to them in turn.
    public var eventLoopCount: Int
    /// Event loops of low priority for the connections of sockets that are not trusted.
    public var untrustedEventLoopCount: Int
    /// How long running calls may go on after a shutdown began.
    public var drainTimeout: Duration = .seconds(30)
    /// Product and version for HELLO.
    public var agentName = "blobrpcd/0.1.0"
    /// The mounts to name in the answer to info.
    public var mountNames: [String] = []
    /// The schemes to name in the answer to info.
    public var schemes: [String] = []

    /// A server with these sockets.
    public init(listeners: [ListenerConfiguration], eventLoopCount: Int = 2) {
        self.listeners = listeners
        self.eventLoopCount = eventLoopCount
        untrustedEventLoopCount = max(1, eventLoopCount / 2)
    }
}
