internal import Backends
internal import BlobCore

/// One write of a blob.
struct CloudWrite: Sendable {
    var uri: BlobURI
    /// Empty when the upload knows them since it was begun.
    var attributes = BlobAttributes()
    /// What else the blob is to have, as headers of the service; for copies.
    var properties = HTTPHeaders()
    var condition: WriteCondition
    var deadline: CallDeadline
    var commitToken: String
}

/// An upload that is to be begun.
struct NewUpload: Sendable {
    var uri: BlobURI
    var attributes: BlobAttributes
    var commitToken: String
    /// Whether its parts will come with checksums (S3-20).
    var hasChecksums: Bool
    var deadline: CallDeadline
}

/// An upload under way.
struct CloudUpload: Sendable {
    var uri: BlobURI
    /// The service's own name for it.
    var uploadID: String
    /// Whether it was begun for parts with checksums.
    var hasChecksums = false
}

/// A part that is to be uploaded.
struct PartUpload: Sendable {
    var upload: CloudUpload
    var number: UInt32
    var body: CloudBody
    /// The memory that the body takes.
    var ticket: MemoryBudget.Ticket?
    var deadline: CallDeadline
}

/// A part that the service has.
struct StoredPart: Sendable {
    var number: UInt32
    /// With services that give parts one.
    var etag: String?
    var byteCount: UInt64?
    /// In Base64, when one was sent.
    var checksum: String?
}

/// What the service says of a blob that it has made of parts.
struct FinishedUpload: Sendable {
    var etag: String
    var version: String?
}

extension WriteCondition {
    /// As the headers that most services know.
    var headers: HTTPHeaders {
        var headers = HTTPHeaders()
        switch self {
        case .overwrite: break
        case .createOnly: headers.append("if-none-match", "*")
        case .ifMatch(let etag): headers.append("if-match", etag)
        }
        return headers
    }

    /// What a failed request means to who set this condition.
    func error(for failure: CloudFailure) -> BlobError {
        guard isRefused(by: failure) else { return failure.error }
        if self == .createOnly {
            return BlobError(
                .alreadyExists, "there is a blob already; nothing was written", origin: .backend)
        }
        return BlobError(
            .preconditionFailed,
            "the blob does not have the entity tag given; nothing was written", origin: .backend)
    }

    /// Whether it says that this condition does not hold. By the code and not the status: a
    /// completion can fail in a document that comes with 200 (S3-10).
    func isRefused(by failure: CloudFailure) -> Bool {
        switch self {
        case .overwrite: false
        case .createOnly: failure.error.code == .preconditionFailed
        case .ifMatch:
            // Services answer 404 when there is nothing that could match.
            failure.error.code == .preconditionFailed || failure.error.code == .notFound
        }
    }
}
