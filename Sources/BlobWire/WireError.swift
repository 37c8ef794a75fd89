public import BlobCore

/// The peer broke the protocol: the connection ends with this code and reason. There is no way
/// back: after a framing error nothing that follows can be trusted.
public struct WireError: Error, Hashable, Sendable {
    /// A code of the 0x08 class.
    public let code: BlobError.Code
    /// What was wrong and which rule says so.
    public let reason: String

    /// An error from its parts.
    public init(_ code: BlobError.Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// The same as the public error type.
    public var blobError: BlobError {
        BlobError(code, reason, origin: .protocol)
    }
}
