internal import BlobCore

/// How one service is asked: where, as whom, and what its refusals mean. `CloudClient` does the rest.
protocol CloudService: Sendable {
    /// For messages, such as "Azure Blob".
    var name: String { get }

    /// What its errors mean.
    var rules: CloudErrorRules { get }

    /// Addresses `request` and proves who asks; anew for every attempt (CM-07).
    func attempt(_ request: CloudRequest) async throws(BlobError) -> any CloudAttempt

    /// What `refusal` says in the service's own way.
    func complaint(_ refusal: CloudRefusal) -> CloudComplaint

    /// Ends what the service does in the background, such as fetching credentials.
    func close()
}

/// What one attempt was made with. A refusal is about that, and not about what another request has
/// put right meanwhile.
protocol CloudAttempt: Sendable {
    /// The absolute URL as it goes on the wire.
    var url: String { get }

    /// All fields to send, those of the request included.
    var headers: HTTPHeaders { get }

    /// What a refusal without a word could be about: those of HEAD have no body.
    func likelyCorrection(_ failure: CloudFailure) -> CloudCorrection?

    /// Puts right what the service complained about; false when that is not possible.
    func correct(_ correction: CloudCorrection, _ failure: CloudFailure) -> Bool
}

/// Something to put right before one more attempt, which does not count as one.
enum CloudCorrection: Sendable, Hashable {
    /// The service's clock shows another time (S3-17).
    case clockSkew
    /// The credentials have ended early (S3-18).
    case credentials
    /// The container is served elsewhere (S3-07).
    case location
}

/// A response that is not wanted.
struct CloudRefusal: Sendable {
    var status: Int
    var headers = HTTPHeaders()
    /// Its body, if that is XML.
    var document: XMLElement?
    /// Whether it came with a status that says success (S3-10).
    var isLate = false
}

/// What a refusal says besides what every HTTP server says in the same way.
struct CloudComplaint: Sendable {
    /// The service's code for what is wrong.
    var code: String?
    /// By what the service's own people find the request.
    var requestID: String?
    /// What the service says the time is, where the header `Date` is missing.
    var serverTime: Timestamp?
    /// How long to wait, when it is not said by `Retry-After`.
    var retryAfter: Duration?
    /// Where the container is served instead.
    var location: String?
    /// The size of a blob that a range does not lie in, where `Content-Range` is missing.
    var objectByteCount: UInt64?
}
