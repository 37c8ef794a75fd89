extension BlobError {
    /// What went wrong, as one number of protocol.md's error table (rule W-60). The high byte is
    /// the class: 1 the request, 2 the state of the blob, 3 permission, 4 capacity, 5 time,
    /// 6 the backend, 7 the server, 8 the connection.
    ///
    /// A code this build does not know keeps its number, so newer servers can be understood.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public let rawValue: UInt16

        /// A code by its number.
        public init(rawValue: UInt16) {
            self.rawValue = rawValue
        }

        /// An argument is malformed or contradicts another.
        public static let invalidArgument = Code(rawValue: 0x0101)
        /// The server or backend has no such operation or option.
        public static let unsupportedOperation = Code(rawValue: 0x0102)
        /// Larger than a limit of the protocol, the policy or the backend; never a quota.
        public static let tooLarge = Code(rawValue: 0x0103)
        /// The upload stands at another offset than the caller thinks.
        public static let offsetMismatch = Code(rawValue: 0x0104)
        /// The range starts past the end; `objectByteCount` has the size.
        public static let rangeNotSatisfiable = Code(rawValue: 0x0105)
        /// The URI cannot be parsed or names nothing that could exist.
        public static let invalidURI = Code(rawValue: 0x0106)
        /// No backend serves this scheme.
        public static let unsupportedBackend = Code(rawValue: 0x0107)
        /// A URL cannot be signed as asked.
        public static let presign = Code(rawValue: 0x0108)
        /// The blob certainly does not exist.
        public static let notFound = Code(rawValue: 0x0201)
        /// A create-only write found a blob.
        public static let alreadyExists = Code(rawValue: 0x0202)
        /// An if-match condition does not hold.
        public static let preconditionFailed = Code(rawValue: 0x0203)
        /// An if-none-match condition says that the caller has this version.
        public static let notModified = Code(rawValue: 0x0204)
        /// Another writer, upload or a directory of that name is in the way.
        public static let conflict = Code(rawValue: 0x0205)
        /// The bytes do not match their checksum; nothing was stored.
        public static let checksumMismatch = Code(rawValue: 0x0206)
        /// The upload or page token is too old.
        public static let sessionExpired = Code(rawValue: 0x0207)
        /// The multipart upload's parts cannot make a blob.
        public static let multipart = Code(rawValue: 0x0208)
        /// There is no such multipart upload.
        public static let uploadNotFound = Code(rawValue: 0x0209)
        /// The bucket, container or mount does not exist.
        public static let containerNotFound = Code(rawValue: 0x020A)
        /// The blob changed while it was being read.
        public static let objectChanged = Code(rawValue: 0x020B)
        /// Policy or the backend forbids it.
        public static let permissionDenied = Code(rawValue: 0x0301)
        /// The peer may not use this socket.
        public static let unauthenticatedPeer = Code(rawValue: 0x0302)
        /// The socket or mount is read-only.
        public static let readOnly = Code(rawValue: 0x0303)
        /// A quota or rate limit of this server; see `retryAfter`.
        public static let quotaExceeded = Code(rawValue: 0x0401)
        /// Too many calls at once; not started, safe to repeat.
        public static let refused = Code(rawValue: 0x0402)
        /// The server is draining; not started, safe to repeat elsewhere.
        public static let shuttingDown = Code(rawValue: 0x0403)
        /// The server is at its memory or queue limit.
        public static let overloaded = Code(rawValue: 0x0404)
        /// The caller's time limit passed.
        public static let deadlineExceeded = Code(rawValue: 0x0501)
        /// The caller cancelled.
        public static let cancelled = Code(rawValue: 0x0502)
        /// No byte moved for the progress timeout.
        public static let stalled = Code(rawValue: 0x0503)
        /// The backend could not be reached or broke off: network errors.
        public static let backendUnavailable = Code(rawValue: 0x0601)
        /// The backend asks to slow down.
        public static let backendThrottled = Code(rawValue: 0x0602)
        /// The server's own credentials failed.
        public static let backendAuthentication = Code(rawValue: 0x0603)
        /// The stored bytes are damaged.
        public static let dataLoss = Code(rawValue: 0x0604)
        /// The disk or account is full.
        public static let noSpace = Code(rawValue: 0x0605)
        /// A local input or output error.
        public static let inputOutput = Code(rawValue: 0x0606)
        /// A fault of the server.
        public static let `internal` = Code(rawValue: 0x0701)
        /// Anything that fits nowhere else.
        public static let other = Code(rawValue: 0x0702)
        /// A frame broke the protocol.
        public static let badFrame = Code(rawValue: 0x0801)
        /// A frame named a stream that cannot be.
        public static let badStream = Code(rawValue: 0x0802)
        /// More data came than credit allowed.
        public static let creditViolation = Code(rawValue: 0x0803)
        /// Too many resets, errors or control frames in a short time.
        public static let tooManyGlitches = Code(rawValue: 0x0804)
        /// The handshake took too long.
        public static let handshakeTimeout = Code(rawValue: 0x0805)
        /// The two sides share no generation of the protocol.
        public static let unsupportedVersion = Code(rawValue: 0x0806)
        /// A descriptor came that was not agreed on.
        public static let descriptorViolation = Code(rawValue: 0x0807)
        /// The connection ended before the answer came.
        public static let connectionLost = Code(rawValue: 0x0808)
        /// A frame or field is longer than the agreed limit.
        public static let frameTooLarge = Code(rawValue: 0x0809)
        /// A frame was begun and not finished in time, or the peer does not read.
        public static let peerStalled = Code(rawValue: 0x080A)
    }
}

extension BlobError.Code: CustomStringConvertible {
    /// The name used in protocol.md, for example `NOT_FOUND`; an unknown code is printed in hex.
    public var description: String {
        Self.names[self] ?? "CODE_0x" + String(rawValue, radix: 16, uppercase: true)
    }

    /// Every code of protocol.md with its name.
    public static let names: [BlobError.Code: String] = [
        .invalidArgument: "INVALID_ARGUMENT", .unsupportedOperation: "UNSUPPORTED_OPERATION",
        .tooLarge: "TOO_LARGE", .offsetMismatch: "OFFSET_MISMATCH",
        .rangeNotSatisfiable: "RANGE_NOT_SATISFIABLE", .invalidURI: "INVALID_URI",
        .unsupportedBackend: "UNSUPPORTED_BACKEND", .presign: "PRESIGN",
        .notFound: "NOT_FOUND", .alreadyExists: "ALREADY_EXISTS",
        .preconditionFailed: "PRECONDITION_FAILED", .notModified: "NOT_MODIFIED",
        .conflict: "CONFLICT", .checksumMismatch: "CHECKSUM_MISMATCH",
        .sessionExpired: "SESSION_EXPIRED", .multipart: "MULTIPART",
        .uploadNotFound: "UPLOAD_NOT_FOUND", .containerNotFound: "CONTAINER_NOT_FOUND",
        .objectChanged: "OBJECT_CHANGED", .permissionDenied: "PERMISSION_DENIED",
        .unauthenticatedPeer: "UNAUTHENTICATED_PEER", .readOnly: "READ_ONLY",
        .quotaExceeded: "QUOTA_EXCEEDED", .refused: "REFUSED", .shuttingDown: "SHUTTING_DOWN",
        .overloaded: "OVERLOADED", .deadlineExceeded: "DEADLINE_EXCEEDED",
        .cancelled: "CANCELLED", .stalled: "STALLED",
        .backendUnavailable: "BACKEND_UNAVAILABLE", .backendThrottled: "BACKEND_THROTTLED",
        .backendAuthentication: "BACKEND_AUTHENTICATION", .dataLoss: "DATA_LOSS",
        .noSpace: "NO_SPACE", .inputOutput: "INPUT_OUTPUT", .internal: "INTERNAL",
        .other: "OTHER", .badFrame: "BAD_FRAME", .badStream: "BAD_STREAM",
        .creditViolation: "CREDIT_VIOLATION", .tooManyGlitches: "TOO_MANY_GLITCHES",
        .handshakeTimeout: "HANDSHAKE_TIMEOUT", .unsupportedVersion: "UNSUPPORTED_VERSION",
        .descriptorViolation: "DESCRIPTOR_VIOLATION", .connectionLost: "CONNECTION_LOST",
        .frameTooLarge: "FRAME_TOO_LARGE", .peerStalled: "PEER_STALLED",
    ]
}
