internal import BlobCore

/// What of a request to Azure is signed.
struct AzureRequest: Sendable {
    var method: String
    /// As on the wire: encoded once, not normalised, beginning with "/" (AZ-02).
    var encodedPath: String
    /// Names and values before encoding.
    var query: [(name: String, value: String)] = []
    /// All fields that are sent but those of the authorization. The length is not among them.
    var headers = HTTPHeaders()
    var contentByteCount: UInt64 = 0

    init(
        method: String, encodedPath: String, query: [(name: String, value: String)] = [],
        headers: HTTPHeaders = HTTPHeaders(), contentByteCount: UInt64 = 0
    ) {
        self.method = method
        self.encodedPath = encodedPath
        self.query = query
        self.headers = headers
        self.contentByteCount = contentByteCount
    }

    /// Path and query as they go on the wire.
    var target: String {
        var text = encodedPath
        for (index, pair) in query.enumerated() {
            text += index == 0 ? "?" : "&"
            text += PercentEncoding.query(pair.name)
            text += "="
            text += PercentEncoding.query(pair.value)
        }
        return text
    }
}
