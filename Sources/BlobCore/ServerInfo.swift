/// What a server says about itself.
public struct ServerInfo: Sendable, Hashable {
    /// The server's product and version, for example `blobrpcd/0.1.0`.
    public var serverName: String
    /// Differs after every start: tells a client that the server was restarted. Each socket of a
    /// server has another one.
    public var instanceID: String
    /// How long the server has been up, in seconds; on a socket with grants, how long the socket.
    public var uptimeSeconds: UInt64
    /// The schemes it serves, for example `file` and `blob`.
    public var schemes: [String]
    /// The mounts this socket may use: `blob://NAME/key`.
    public var mounts: [String]
    /// Named counters since the start, for example `calls.head` or `bytes.received`.
    public var counters: [String: UInt64]

    /// Information from its parts.
    public init(
        serverName: String, instanceID: String, uptimeSeconds: UInt64, schemes: [String],
        mounts: [String], counters: [String: UInt64]
    ) {
        self.serverName = serverName
        self.instanceID = instanceID
        self.uptimeSeconds = uptimeSeconds
        self.schemes = schemes
        self.mounts = mounts
        self.counters = counters
    }
}
