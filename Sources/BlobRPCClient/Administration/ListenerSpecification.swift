public import BlobCore

/// A socket to add to a server: a listener as the server's configuration file has it
/// (docs/configuration.md), with the words of Swift.
///
///     var socket = ListenerSpecification(path: "/run/jobs/17/blobrpc.sock")
///     socket.grant(.reading, on: input)
///     socket.grant(.writing, on: output)
///     try await client.addListener(socket, options: ListenerOptions(leaseSeconds: 60))
///
/// What is nil is what the server has for the trust. Nothing is granted unless it is said.
public struct ListenerSpecification: Sendable, Hashable {
    /// Whether the peers may be hostile.
    public enum Trust: String, Sendable, Hashable {
        /// The limits of an ordinary socket; without grants, everything the server serves.
        case trusted
        /// The narrow limits; at least one grant is needed.
        case untrusted
    }

    /// Groups of operations, for ``ListenerSpecification/grant(_:on:)``.
    public enum Access: String, Sendable, Hashable {
        /// Look, read and list.
        case reading = "read"
        /// Store, at once or in parts, and copy.
        case writing = "write"
        /// Remove.
        case deleting = "delete"
        /// Sign URLs, as far as ``ListenerSpecification/signing`` allows.
        case signing = "presign"
        /// All of them.
        case everything = "all"
    }

    /// Operations below a prefix.
    public struct Grant: Sendable, Hashable {
        /// `/` at its end, or an empty key, grants what lies below; else also the blob of that name.
        public var prefix: BlobURI
        /// The names of groups or operations, as the configuration has them.
        public var operations: [String]

        /// A grant from its values.
        public init(prefix: BlobURI, operations: [String]) {
            self.prefix = prefix
            self.operations = operations
        }
    }

    /// Which URLs are signed.
    public struct Signing: Sendable, Hashable {
        /// The longest validity.
        public var maximumSeconds: UInt32
        /// GET, PUT, HEAD, DELETE, or parts for those of a multipart upload.
        public var methods: [String]

        /// A permission from its values.
        public init(maximumSeconds: UInt32, methods: [String]) {
            self.maximumSeconds = maximumSeconds
            self.methods = methods
        }
    }

    /// So much in a second, and so much at once after a pause.
    public struct Rate: Sendable, Hashable {
        /// The lasting rate.
        public var perSecond: UInt64
        /// What may come at once; nil for what a second brings.
        public var burst: UInt64?

        /// A rate from its values.
        public init(perSecond: UInt64, burst: UInt64? = nil) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// Where the socket is to be; absolute.
    public var path: String
    /// The permission bits of the socket file: who may write to it may connect.
    public var mode: UInt32 = 0o600
    /// Whether the peers may be hostile.
    public var trust: Trust
    /// What the peers may do; nil leaves it to the trust.
    public var grants: [Grant]?
    /// Whether calls that write are refused.
    public var isReadOnly = false
    /// Which URLs are signed; nil leaves it to the trust.
    public var signing: Signing?
    /// The largest blob that can be written, in bytes.
    public var maximumBlobByteCount: UInt64?
    /// The longest time limit of a call, in seconds.
    public var maximumCallSeconds: Int64?
    /// Connections at once.
    public var maximumConnectionCount: Int?
    /// Calls at once of one connection.
    public var maximumConcurrentCallCount: Int?
    /// Calls at once over all connections.
    public var maximumCallCount: Int?
    /// Calls that may begin.
    public var callRate: Rate?
    /// Connections a second; more wait.
    public var connectionRate: Rate?
    /// Bytes of bodies in both directions.
    public var byteRate: Rate?
    /// What the server keeps for all peers of the socket together, in bytes.
    public var memoryByteCount: Int?
    /// Multipart uploads that may be open at once.
    public var maximumUploadCount: Int?
    /// The users that may connect, by SO_PEERCRED.
    public var userIDs: Set<UInt32>?
    /// The groups that may connect.
    public var groupIDs: Set<UInt32>?
    /// Whether uploads that are open when the socket is removed are given up.
    public var abortsUploads: Bool?

    /// A socket at `path`. Its peers may be hostile unless `trust` says otherwise.
    public init(path: String, trust: Trust = .untrusted) {
        self.path = path
        self.trust = trust
    }

    /// Grants `access` on what lies at `prefix` and below it.
    public mutating func grant(_ access: Access, on prefix: BlobURI) {
        grants = (grants ?? []) + [Grant(prefix: prefix, operations: [access.rawValue])]
    }
}
