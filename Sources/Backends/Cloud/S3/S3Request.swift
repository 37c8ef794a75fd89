internal import BlobCore

/// A request of the service before it is addressed and signed, which every attempt does anew (CM-07).
struct S3Request: Sendable {
    var method: HTTPRequest.Method
    var bucket: String
    /// Empty for requests about the bucket.
    var key: String
    /// For messages: what is being done, such as "reading the blob".
    var purpose: String
    /// Names and values before encoding.
    var query: [(name: String, value: String)] = []
    /// Sent and signed.
    var headers = HTTPHeaders()
    var body = S3Body.none
    /// Whether the service may work for minutes before it answers (S3-12).
    var takesLong = false
    var receiveWindow = HTTPReceiveWindow()
    /// Whether to wait for the service's consent before a large body (S3-08).
    var expectsContinue = false
    /// Whether an attempt that may have been acted upon may be repeated.
    var isRepeatable = true
    /// Whether success comes as an XML document, which can also be an error (S3-10).
    var expectsDocument = false

    init(_ method: HTTPRequest.Method, _ uri: BlobURI, _ purpose: String) {
        self.method = method
        bucket = uri.container
        key = uri.key
        self.purpose = purpose
    }
}

/// What an S3 request carries.
enum S3Body: Sendable {
    case none
    /// Bytes in memory with the hexadecimal SHA-256 that goes into the signature, or
    /// `SigV4.unsignedPayload`.
    case bytes([Bytes], payloadHash: String)
    /// A stream that can be sent once, unsigned.
    case stream(any ByteSource, byteCount: UInt64)

    var payloadHash: String {
        switch self {
        case .none: SigV4.emptyPayloadHash
        case .bytes(_, let payloadHash): payloadHash
        case .stream: SigV4.unsignedPayload
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
struct S3Reply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// The root of the body of a request that expects a document.
    var document: XMLElement
}
