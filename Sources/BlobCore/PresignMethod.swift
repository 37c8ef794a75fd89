/// What a signed URL does with its blob; the raw value is the method that its user sends.
public enum PresignMethod: String, Sendable, Hashable, CaseIterable {
    /// Reads it, with ranges and conditions as the URL's user likes.
    case get = "GET"
    /// Writes it, by a plain PUT with a length.
    case put = "PUT"
    /// Reads its metadata.
    case head = "HEAD"
    /// Deletes it.
    case delete = "DELETE"

    /// The operation that signs for this method.
    public var operation: BlobOperation {
        switch self {
        case .get: .presignGet
        case .put: .presignPut
        case .head: .presignHead
        case .delete: .presignDelete
        }
    }
}
