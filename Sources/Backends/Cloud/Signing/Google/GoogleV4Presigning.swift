internal import Backends
internal import BlobCore

/// Prepares the URLs of one request for their signatures.
///
/// Nothing is added to what the caller gives but the parameters of the signature, and only `host`
/// and the caller's own header fields are signed.
struct GoogleV4Presigning: Sendable {
    private static let contentHash = "x-goog-content-sha256"

    private let request: GoogleV4Request
    private let scope: GoogleV4Scope
    private let query: [(name: String, value: String)]
    /// The canonical request after its query.
    private let requestEnd: String

    /// - Parameters:
    ///   - email: the service account that signs.
    ///   - scope: of the clock of the service, corrected if it differs from ours.
    init(
        _ request: GoogleV4Request, email: String, scope: GoogleV4Scope, validSeconds: UInt32
    ) throws(BlobError) {
        try GoogleV4.check(validSeconds: validSeconds)
        self.request = request
        self.scope = scope
        let headers = SignedHeaders(
            request.headers.filter { !HTTPHeaders.areEqual($0.name, "host") }
                + [("host", request.host)])
        // A client that says what it sends is held to it; others send what they like.
        let payloadHash = request.headers.first { HTTPHeaders.areEqual($0.name, Self.contentHash) }
        requestEnd = headers.canonicalEnd(payloadHash: payloadHash?.value ?? "UNSIGNED-PAYLOAD")
        query =
            request.query + [
                ("X-Goog-Algorithm", GoogleV4.algorithm),
                ("X-Goog-Credential", "\(email)/\(scope.text)"),
                ("X-Goog-Date", scope.dateAndTime),
                ("X-Goog-Expires", String(validSeconds)),
                ("X-Goog-SignedHeaders", headers.names),
            ]
    }

    /// What the signature covers, as the service computes it.
    var canonicalRequest: String { canonicalRequest(query: SigV4.canonicalQuery(query)) }

    func url() throws(BlobError) -> GoogleUnsignedURL {
        try url(query: SigV4.canonicalQuery(query))
    }

    /// The URLs of many parts of one upload, in which only `partNumber` varies; all else is
    /// computed once.
    func partURLs(_ partNumbers: [UInt32]) throws(BlobError) -> [GoogleUnsignedURL] {
        let (before, after) = SigV4.canonicalQuery(query, around: "partNumber")
        var urls: [GoogleUnsignedURL] = []
        urls.reserveCapacity(partNumbers.count)
        for number in partNumbers { urls.append(try url(query: "\(before)\(number)\(after)")) }
        return urls
    }

    private func url(query: String) throws(BlobError) -> GoogleUnsignedURL {
        let hash = try SigV4.payloadHash([Bytes(utf8: canonicalRequest(query: query))])
        return GoogleUnsignedURL(
            text: "\(request.origin)\(request.encodedPath)?\(query)",
            stringToSign: "\(GoogleV4.algorithm)\n\(scope.dateAndTime)\n\(scope.text)\n\(hash)")
    }

    private func canonicalRequest(query: String) -> String {
        "\(request.method)\n\(request.encodedPath)\n\(query)\(requestEnd)"
    }
}
