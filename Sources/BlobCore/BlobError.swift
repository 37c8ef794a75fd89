/// The one error of the public API: what failed, on which blob, whether repeating can help.
///
/// Neither `message` nor `uri` ever carries a credential, a signed URL or a token: every producer
/// redacts before it constructs the error.
public struct BlobError: Error, Sendable, Hashable {
    /// Whether and when to try again (protocol.md, rule W-61).
    public enum RetryClass: UInt8, Sendable, Hashable, CaseIterable {
        /// Trying again gives the same answer.
        case never = 0
        /// The call was not started: any call may be repeated at once.
        case notStarted = 1
        /// Repeat an idempotent call after a growing pause.
        case backoff = 2
        /// Repeat after `retryAfter`.
        case afterDelay = 3
        /// Only the caller can know: the call may have taken effect.
        case callerDecides = 4
    }

    /// Who noticed the error.
    public enum Origin: UInt8, Sendable, Hashable, CaseIterable {
        /// The client library, before or after the wire.
        case client = 0
        /// The framing or flow control.
        case `protocol` = 1
        /// The policy of the socket.
        case policy = 2
        /// The server.
        case server = 3
        /// The storage service or file system.
        case backend = 4
    }

    /// What went wrong.
    public var code: Code
    /// One sentence for a person: what failed and what to do.
    public var message: String
    /// The blob it failed on, redacted.
    public var uri: String?
    /// Whether repeating can help.
    public var retry: RetryClass
    /// How long to wait before repeating, when the server or backend said so.
    public var retryAfter: Duration?
    /// Who noticed.
    public var origin: Origin
    /// The size of the blob in bytes, with `rangeNotSatisfiable`.
    public var objectByteCount: UInt64?

    /// An error with the retry class that protocol.md gives its code.
    public init(
        _ code: Code, _ message: String, uri: BlobURI? = nil, origin: Origin = .server
    ) {
        self.code = code
        self.message = message
        self.uri = uri?.redactedDescription
        self.retry = code.defaultRetryClass
        self.origin = origin
    }

    /// The same error, naming `uri` when it did not name one yet.
    public func on(_ uri: BlobURI) -> BlobError {
        guard self.uri == nil else { return self }
        var copy = self
        copy.uri = uri.redactedDescription
        return copy
    }

    /// No backend serves `scheme`.
    public static func unsupportedBackend(scheme: String) -> BlobError {
        BlobError(
            .unsupportedBackend,
            "no backend serves the scheme '\(scheme)'; this server was built or configured without it"
        )
    }

    /// The call was cancelled by its caller.
    public static let cancelled = BlobError(.cancelled, "the call was cancelled", origin: .client)
}

extension BlobError: CustomStringConvertible {
    /// For example `NOT_FOUND: no such blob [file:///data/x] (retrying does not help)`.
    public var description: String {
        let place = uri.map { " [\($0)]" } ?? ""
        return "\(code): \(message)\(place) (\(retryAdvice))"
    }

    private var retryAdvice: String {
        switch retry {
        case .never: "retrying does not help"
        case .notStarted: "not started, safe to retry"
        case .backoff: "retry after a pause"
        case .afterDelay:
            retryAfter.map { "retry after \($0)" } ?? "retry after a pause"
        case .callerDecides: "it may have taken effect"
        }
    }
}

extension BlobError.Code {
    /// The retry class protocol.md's table gives this code (rule W-61).
    public var defaultRetryClass: BlobError.RetryClass {
        switch self {
        case .refused, .shuttingDown: .notStarted
        case .conflict, .overloaded, .backendUnavailable, .backendThrottled, .objectChanged,
            .checksumMismatch:
            .backoff
        case .quotaExceeded: .afterDelay
        case .deadlineExceeded, .stalled, .connectionLost: .callerDecides
        default: .never
        }
    }
}
