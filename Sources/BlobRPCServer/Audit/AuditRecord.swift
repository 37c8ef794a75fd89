public import BlobCore
internal import Glibc

/// One call, as the audit tells of it. It holds no upload ID, no token, no signed URL and no header:
/// a `BlobURI` cannot hold a secret.
public struct AuditRecord: Sendable, Hashable {
    /// When the call ended.
    public var time: Timestamp
    /// The path of the socket.
    public var listener: String
    /// The peer by SO_PEERCRED. The process may have ended, and its number be another's.
    public var userID: UInt32
    /// The peer's group.
    public var groupID: UInt32
    /// The peer's process; 0 when it lives where this server cannot see it, and when it had ended before
    /// its connection was accepted.
    public var processID: Int32
    /// What was called; nil for what this server does not know.
    public var operation: BlobOperation?
    /// The blobs that the call names, with control characters escaped: one, for a copy two.
    public var subjects: [String]
    /// How it ended, and what moved.
    public var outcome: Outcome
    /// From the request to the end, in microseconds.
    public var microseconds: Int64

    /// How a call ended.
    public struct Outcome: Sendable, Hashable {
        /// The error; nil for success.
        public var status: BlobError.Code?
        /// Bytes of its body that came.
        public var receivedByteCount: UInt64 = 0
        /// Bytes of its answer's body that went.
        public var sentByteCount: UInt64 = 0
    }
}

/// Is told of every call, on the event loops: it must not wait.
public protocol AuditSink: Sendable {
    /// Takes a record, or drops it.
    func record(_ record: AuditRecord)
}

extension Timestamp {
    /// The time by the wall clock.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
