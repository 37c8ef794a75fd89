public import BlobCore

/// A call, decoded: what the policy judges is exactly what is executed.
///
/// Bodies and lists travel after it as DATA: the bytes of a blob or part, or records (rule W-49).
public struct BlobRequest: Hashable, Sendable {
    /// The operation with its arguments.
    public enum Arguments: Hashable, Sendable {
        /// `BlobStore.head`
        case head(BlobURI, GetOptions)
        /// `BlobStore.read`
        case get(BlobURI, GetOptions)
        /// `BlobStore.put`; the bytes follow.
        case put(BlobURI, PutOptions, bodyByteCount: UInt64?)
        /// `BlobStore.delete`
        case delete(BlobURI)
        /// `BlobStore.delete` of several; the URIs follow as records.
        case deleteMany
        /// `BlobStore.list`
        case list(BlobURI, ListOptions)
        /// `BlobStore.copy`
        case copy(from: BlobURI, to: BlobURI, CopyOptions)
        /// `BlobStore.presign`; each method is an operation of its own.
        case presign(PresignMethod, BlobURI, PresignOptions)
        /// `BlobStore.createMultipartUpload`
        case createMultipartUpload(BlobURI, MultipartOptions)
        /// `BlobStore.uploadPart`; the bytes follow.
        case uploadPart(
            MultipartUpload, partNumber: UInt32, UploadPartOptions, bodyByteCount: UInt64?)
        /// `BlobStore.presignUploadParts`; the part numbers follow as records.
        case presignUploadParts(MultipartUpload, PresignOptions)
        /// `BlobStore.listParts`
        case listParts(MultipartUpload, afterPartNumber: UInt32)
        /// `BlobStore.completeMultipartUpload`; the parts follow as records.
        case completeMultipartUpload(MultipartUpload, CompleteOptions)
        /// `BlobStore.abortMultipartUpload`
        case abortMultipartUpload(MultipartUpload)
        /// `BlobStore.capabilities`
        case capabilities(BlobURI)
        /// What the server is.
        case info
        /// Serve the socket that the text describes, a listener of the configuration file.
        case addListener(String, ListenerOptions)
        /// Revoke a socket that was added.
        case removeListener(path: String)
        /// What sockets there are.
        case listListeners
    }

    /// What is asked.
    public var arguments: Arguments
    /// The caller's time limit, counted from when the server receives the request (rule W-50).
    public var timeout: Duration?

    /// A request from its parts.
    public init(_ arguments: Arguments, timeout: Duration? = nil) {
        self.arguments = arguments
        self.timeout = timeout
    }

    /// The operation.
    public var operation: BlobOperation {
        switch arguments {
        case .head: .head
        case .get: .get
        case .put: .put
        case .delete: .delete
        case .deleteMany: .deleteMany
        case .list: .list
        case .copy: .copy
        case .presign(let method, _, _): method.operation
        case .createMultipartUpload: .createMultipartUpload
        case .uploadPart: .uploadPart
        case .presignUploadParts: .presignUploadParts
        case .listParts: .listParts
        case .completeMultipartUpload: .completeMultipartUpload
        case .abortMultipartUpload: .abortMultipartUpload
        case .capabilities: .capabilities
        case .info: .info
        case .addListener: .addListener
        case .removeListener: .removeListener
        case .listListeners: .listListeners
        }
    }
}

extension BlobOperation {
    /// Whether a body follows the request: blob bytes or records.
    public var hasRequestBody: Bool {
        switch self {
        case .put, .uploadPart, .deleteMany, .presignUploadParts, .completeMultipartUpload: true
        default: false
        }
    }

    /// Whether a body may follow the response: blob bytes or records.
    public var hasResponseBody: Bool {
        switch self {
        case .get, .list, .deleteMany, .presignUploadParts, .listParts, .removeListener,
            .listListeners:
            true
        default: false
        }
    }

    /// Whether repeating the call after a lost connection changes nothing (rule W-61).
    public var isIdempotent: Bool {
        switch self {
        case .createMultipartUpload, .completeMultipartUpload, .copy, .put, .addListener,
            .removeListener:
            false
        default: true
        }
    }
}

/// A request that is well-formed but cannot be served: answered on its stream, the connection lives.
/// A malformed one is a `WireError` and ends the connection.
public enum RequestRejection: Error, Hashable, Sendable {
    /// Answer with this error.
    case refused(BlobError)
    /// Close the connection.
    case malformed(WireError)
}
