internal import BlobCore

/// An HTTP/1.1 request, complete with its signature.
struct HTTPRequest: Sendable {
    /// What is asked for.
    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    var method: Method
    /// The absolute URL as it goes on the wire: nothing normalises or encodes it again (S3-02).
    var url: String
    var headers = HTTPHeaders()
    var body = HTTPRequestBody.none
    /// Whether to wait for `100 Continue` before the body (S3-08).
    var expectsContinue = false
    var timeouts = HTTPTimeouts()
    var receiveWindow = HTTPReceiveWindow()
    /// False for the link-local metadata services: their answers are secrets of this machine.
    var usesProxy = true

    init(_ method: Method, _ url: String) {
        self.method = method
        self.url = url
    }
}

/// What a request carries.
enum HTTPRequestBody: Sendable {
    case none
    /// Bytes at hand, sent one after the other; can be sent again.
    case bytes([Bytes])
    /// A stream of known length, sent once.
    case stream(any ByteSource, byteCount: UInt64)
}

/// How long each step of an exchange may take. There is no limit on the whole: a stall is noticed,
/// a large transfer is not.
struct HTTPTimeouts: Sendable, Hashable {
    /// From the start until the connection, TLS included, stands.
    var connect = Duration.seconds(3)
    /// From the last byte of the request until the first of the response.
    var firstByte = Duration.seconds(15)
    /// How long a transfer may go on at less than ``minimumByteRate``; time in which the transfer
    /// waits for its consumer or for its body's source does not count. Nil turns it off.
    var stall: Duration? = .seconds(20)
    /// Bytes a second below which a transfer counts as stalled; at zero a byte now and then is
    /// enough.
    var minimumByteRate: UInt64 = 1024
}

/// How much of a response body is held for a consumer that has not asked for it yet.
struct HTTPReceiveWindow: Sendable, Hashable {
    /// The size in bytes of the pieces that ``HTTPResponse/next()`` gives, but for the last.
    var pieceByteCount = 256 << 10
    /// The transfer pauses once this many bytes wait; at least one piece.
    var byteCount = 1 << 20
}
