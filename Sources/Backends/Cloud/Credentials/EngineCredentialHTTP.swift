internal import BlobCore

/// Credentials come over the same engines as the blobs.
struct EngineCredentialHTTP: CredentialHTTP {
    let engines: HTTPEnginePool

    func exchange(
        _ request: HTTPRequest, maximumResponseByteCount: Int
    ) async throws(HTTPFailure) -> CredentialHTTPReply {
        let response = try await engines.engine().send(request)
        let body = try await response.collect(maximumByteCount: maximumResponseByteCount)
        return CredentialHTTPReply(
            status: response.status, headers: response.headers, body: body)
    }
}
