public import BlobWire

/// One socket of the server: where it is and what its peers may do.
public struct ListenerConfiguration: Sendable {
    /// The path of the socket.
    public var path: String
    /// The permission bits of the socket file.
    public var mode: UInt32 = 0o600
    /// Connections waiting to be accepted.
    public var backlog: Int32 = 1024
    /// What each connection is granted.
    public var limits = ConnectionLimits()
    /// Connections at once.
    public var maximumConnectionCount = 256
    /// Connections at once that have not finished the handshake.
    public var maximumHandshakeCount = 64
    /// Whether calls that write are refused with `readOnly`.
    public var isReadOnly = false
    /// The longest time limit of a call; shorter ones of the caller stand.
    public var maximumTimeout: Duration?
    /// Times after which a peer that does not go on is given up (rules W-03, W-51 to W-54).
    public var timeouts = SessionTimeouts()
    /// The kernel's send buffer to ask for, in bytes; the kernel may give less.
    public var sendBufferByteCount: Int32? = 1 << 20

    /// A listener at `path` with the limits of a trusted socket.
    public init(path: String) {
        self.path = path
    }
}

/// How long a peer may take (rules W-03, W-51 to W-54).
public struct SessionTimeouts: Sendable {
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
    }
}
