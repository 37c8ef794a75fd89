internal import BlobCore

/// Why an exchange broke. What the server answers, whatever its status, is no failure.
struct HTTPFailure: Error, Sendable, Hashable {
    /// What happened.
    enum Kind: Sendable, Hashable {
        /// The name does not resolve.
        case nameNotResolved
        /// No connection could be made in time.
        case connect
        /// The TLS handshake failed; `isCertificate` when the server could not prove who it is.
        case tls(isCertificate: Bool)
        /// The proxy refused.
        case proxy
        /// The first byte of the response did not come in time.
        case firstByteTimeout
        /// Too few bytes moved for too long.
        case stalled
        /// The connection broke: reset, closed early, or nothing at all came.
        case connectionLost
        /// What came is not HTTP.
        case malformedResponse
        /// The response is larger than the caller takes.
        case responseTooLarge
        /// The source of the request's body failed with this error.
        case body(BlobError)
        /// The source gave more or fewer bytes than it declared (CM-15).
        case bodyLength
        /// The task was cancelled or the response given up.
        case cancelled
        /// The engine is shut down.
        case shutDown
        /// The request cannot be sent, or the engine cannot send any.
        case engine
    }

    var kind: Kind
    /// For a person; carries neither URL nor header.
    var message: String
    /// Whether bytes of the request may have reached the server: then it may have acted on it.
    var mayHaveBeenSent: Bool

    init(_ kind: Kind, _ message: String, mayHaveBeenSent: Bool = false) {
        self.kind = kind
        self.message = message
        self.mayHaveBeenSent = mayHaveBeenSent
    }
}
