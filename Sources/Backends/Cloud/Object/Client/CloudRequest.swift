internal import BlobCore

/// A request of a service before it is addressed and signed, which every attempt does anew (CM-07).
struct CloudRequest: Sendable {
    var method: HTTPRequest.Method
    /// What it is about; without a key the container.
    var uri: BlobURI
    /// The path to ask for where that is not the blob's own, as it goes on the wire.
    var encodedPath: String?
    /// For messages: what is being done, such as "reading the blob".
    var purpose: String
    /// Names and values before encoding.
    var query: [(name: String, value: String)] = []
    /// Sent and signed.
    var headers = HTTPHeaders()
    var body = CloudBody.none
    /// Whether the service may work for minutes before it answers (S3-12).
    var takesLong = false
    var receiveWindow = HTTPReceiveWindow()
    /// Whether to wait for the service's consent before a large body (S3-08).
    var expectsContinue = false
    /// Whether an attempt that may have been acted upon may be repeated.
    var isRepeatable = true
    /// Whether success comes as an XML document, which can also be an error (S3-10).
    var expectsDocument = false
    /// How many elements that document has at most.
    var maximumElementCount = XMLLimits.elementCount
    /// A status besides 2xx that is an answer and no refusal.
    var acceptedStatus: Int?

    init(_ method: HTTPRequest.Method, _ uri: BlobURI, _ purpose: String) {
        self.method = method
        self.uri = uri
        self.purpose = purpose
    }

    func isAnswered(by status: Int) -> Bool {
        (200..<300).contains(status) || status == acceptedStatus
    }
}

/// What a request carries.
enum CloudBody: Sendable {
    case none
    /// Bytes in memory, with their hexadecimal SHA-256 where a signature is to cover them.
    case bytes([Bytes], sha256: String? = nil)
    /// A stream that can be sent once.
    case stream(any ByteSource, byteCount: UInt64)

    var byteCount: UInt64 {
        switch self {
        case .none: 0
        case .bytes(let pieces, _): pieces.reduce(0) { $0 + UInt64($1.count) }
        case .stream(_, let byteCount): byteCount
        }
    }

    var isReplayable: Bool {
        if case .stream = self { return false }
        return true
    }

    var http: HTTPRequestBody {
        switch self {
        case .none: .none
        case .bytes(let pieces, _): .bytes(pieces)
        case .stream(let source, let byteCount): .stream(source, byteCount: byteCount)
        }
    }
}

/// A response whose body was read to its end.
struct CloudReply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: Bytes
    /// The root of the body of a request that expects a document.
    var document: XMLElement
}
