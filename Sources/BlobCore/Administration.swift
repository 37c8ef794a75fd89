/// How long a socket lives that is added while the server runs.
public struct ListenerOptions: Sendable, Hashable {
    /// After so many seconds the socket goes, unless the same text was added again meanwhile; nil
    /// for a socket that stays until it is removed or the server ends.
    public var leaseSeconds: UInt32?
    /// Whether the socket goes with the connection that added it.
    public var endsWithCaller: Bool
    /// For every call.
    public var call: CallOptions

    /// Options from their values.
    public init(
        leaseSeconds: UInt32? = nil, endsWithCaller: Bool = false,
        call: CallOptions = CallOptions()
    ) {
        self.leaseSeconds = leaseSeconds
        self.endsWithCaller = endsWithCaller
        self.call = call
    }
}

/// A socket that a server has.
public struct ListenerStatus: Sendable, Hashable {
    /// Its path.
    public var path: String
    /// The connections of its peers.
    public var connectionCount: UInt32
    /// What its peers may do, in short; for people.
    public var policy: String
    /// Whether it was added while the server runs; only such a socket can be removed by a call.
    public var isAdded: Bool
    /// What is left of its lease.
    public var leaseSeconds: UInt32?
    /// Whether it goes with the connection that added it.
    public var endsWithCaller: Bool

    /// A status from its values.
    public init(
        path: String, connectionCount: UInt32, policy: String, isAdded: Bool = false,
        leaseSeconds: UInt32? = nil, endsWithCaller: Bool = false
    ) {
        self.path = path
        self.connectionCount = connectionCount
        self.policy = policy
        self.isAdded = isAdded
        self.leaseSeconds = leaseSeconds
        self.endsWithCaller = endsWithCaller
    }
}

/// A multipart upload that was open when the socket it was begun through was removed.
public struct OpenUpload: Sendable, Hashable {
    /// The upload, by the URI that the peer used.
    public var upload: MultipartUpload
    /// Whether it was given up with the socket.
    public var isAborted: Bool
    /// Why it could not be given up.
    public var error: BlobError?

    /// An upload from its values.
    public init(upload: MultipartUpload, isAborted: Bool = false, error: BlobError? = nil) {
        self.upload = upload
        self.isAborted = isAborted
        self.error = error
    }
}
