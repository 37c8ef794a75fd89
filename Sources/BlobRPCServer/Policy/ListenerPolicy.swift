public import BlobCore
public import BlobWire

/// What the peers of one socket may do, and how much of the server they may take.
///
/// It belongs to the socket, not to the peer: whoever can connect has it. Nothing a peer sends widens
/// it. The default allows everything, within the limits of a trusted socket.
public struct ListenerPolicy: Sendable, Hashable {
    /// Which blobs there are for the peers.
    public enum Scope: Sendable, Hashable {
        /// All that the server serves.
        case everything
        /// What these grants say; everything else does not exist (rules W-90 to W-93).
        case granted([PolicyGrant])

        /// The mounts of these names, `blob://NAME/`, with all operations, and nothing else.
        public static func mounts(_ names: [String]) -> Scope {
            .granted(
                names.map { name in
                    PolicyGrant(
                        BlobOperation.ofBlobs,
                        on: BlobURI(scheme: .blob, container: name, key: ""))
                })
        }
    }

    /// Which blobs there are for the peers.
    public var scope = Scope.everything
    /// Whether the socket is one for launchers: its peers add and remove sockets (rules W-100 to
    /// W-105). No grant gives that.
    public var administersListeners = false
    /// Whether calls that write are refused with `readOnly` (rule W-86).
    public var isReadOnly = false
    /// Which URLs are signed.
    public var presign = PresignPolicy.unlimited
    /// The largest blob and the largest part that can be written, in bytes. Signing URLs that write
    /// whole blobs is off with it: nobody sees what is sent to them.
    public var maximumBlobByteCount: UInt64?
    /// The longest time limit of a call; shorter ones of the caller stand (rule W-50).
    public var maximumTimeout: Duration?

    /// The users that may connect, by SO_PEERCRED; nil together with `groupIDs` for anybody who can
    /// open the socket. Either list lets a peer in (rule W-96).
    public var userIDs: Set<UInt32>?
    /// The groups that may connect.
    public var groupIDs: Set<UInt32>?

    /// Connections that are accepted; more wait in the backlog (rule W-99).
    public var connectionRate: RateLimit?
    /// Calls that may begin, over all connections (rule W-94).
    public var callRate: RateLimit?
    /// Bytes of bodies in both directions, over all connections (rule W-95).
    public var byteRate: RateLimit?
    /// Calls at once over all connections; more answer `refused`.
    public var maximumCallCount: Int?
    /// What the server keeps for all peers of the socket together, in bytes: see ``ListenerQuota``.
    public var memoryByteCount: Int?
    /// Multipart uploads that may be open at once. Without grants the oldest is forgotten instead of
    /// a new one refused.
    public var maximumUploadCount = 1000

    /// What each connection is granted.
    public var limits = ConnectionLimits()
    /// Connections at once.
    public var maximumConnectionCount = 256
    /// Connections at once that have not finished the handshake.
    public var maximumHandshakeCount = 64
    /// Whether the peers are trusted not to take what others need. The peers of all sockets that are not
    /// share half of the descriptors of the process, where more are told `overloaded`, and event loops
    /// and threads of low priority that serve nobody else.
    public var isTrusted = true
    /// Times after which a peer that does not go on is given up (rules W-03, W-51 to W-54).
    public var timeouts = SessionTimeouts()
    /// The kernel's send buffer to ask for, in bytes; the kernel may give less.
    public var sendBufferByteCount: Int32? = 1 << 20

    /// Whether errors say what the service behind said, its request ids among it (rule W-97).
    public var tellsBackendDetails = true
    /// Whether uploads that are open when the socket is removed are given up.
    public var abortsUploadsOnRemoval = false

    /// The policy of a trusted socket.
    public init() {}
}

/// Which URLs a socket may have signed.
public struct PresignPolicy: Sendable, Hashable {
    /// Those of ``PolicyGrant/signing`` that are allowed.
    public var operations: Set<BlobOperation>
    /// The longest validity in seconds.
    public var maximumSeconds: UInt32

    /// Allows `operations` for at most `maximumSeconds`.
    public init(_ operations: Set<BlobOperation>, maximumSeconds: UInt32) {
        self.operations = operations.intersection(PolicyGrant.signing)
        self.maximumSeconds = maximumSeconds
    }

    /// No URLs.
    public static let denied = PresignPolicy([], maximumSeconds: 0)
    /// Whatever the store signs.
    public static let unlimited = PresignPolicy(
        PolicyGrant.signing, maximumSeconds: PresignOptions.maximumSeconds)
}

/// So much in a second, and so much at once after a pause.
public struct RateLimit: Sendable, Hashable {
    /// The lasting rate; at least 1.
    public var perSecond: UInt64
    /// What may come at once; at least 1.
    public var burst: UInt64

    /// A rate; what a second brings may come at once unless `burst` says otherwise.
    public init(perSecond: UInt64, burst: UInt64? = nil) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst ?? perSecond)
    }
}
