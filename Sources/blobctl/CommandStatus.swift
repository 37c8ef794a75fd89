import BlobCore

/// What the process tells the shell; the table is in docs/blobctl.md and in `blobctl --help`.
enum CommandStatus: Int32, CaseIterable {
    case success = 0
    case failure = 1
    case usage = 2
    case notFound = 3
    case conflict = 4
    case permissionDenied = 5
    case unreachable = 6
    case retryable = 7
    case interrupted = 130
    /// As if SIGPIPE had ended the process: the reader of standard output went away.
    case brokenPipe = 141

    /// The status for what a store or the client reported.
    init(_ code: BlobError.Code) {
        switch code {
        case .invalidArgument, .invalidURI: self = .usage
        case .notFound, .uploadNotFound, .containerNotFound: self = .notFound
        case .alreadyExists, .preconditionFailed, .notModified, .conflict, .objectChanged:
            self = .conflict
        case .backendUnavailable, .backendThrottled, .peerStalled: self = .retryable
        default: self = Self.ofClass(code.rawValue >> 8)
        }
    }

    /// The status by the high byte of a code, so that codes of newer servers end up well too.
    private static func ofClass(_ codeClass: UInt16) -> CommandStatus {
        switch codeClass {
        case 0x03: .permissionDenied
        case 0x04, 0x05: .retryable
        case 0x08: .unreachable
        default: .failure
        }
    }

    /// The table of `blobctl --help`.
    static let helpText = """
        EXIT CODES
          0    done
          1    failed for another reason, for example a local file
          2    wrong usage: malformed arguments, options or URI
          3    there is no such blob, upload, container or socket
          4    the blob or socket exists, a condition fails, or a writer is in the way
          5    permission denied, or read-only
          6    the server cannot be reached, or the connection was lost
          7    timed out, stalled, throttled or overloaded: try again later
          130  interrupted by a signal
          141  the reader of standard output went away
        """
}
