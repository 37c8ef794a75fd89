internal import Backends
internal import BlobCore

extension CloudDialect {
    /// The answer to one HEAD request; where that does not tell whether there is a container, one more
    /// when there is no blob (CM-09).
    func headReply(
        _ uri: BlobURI, _ options: GetOptions, _ deadline: CallDeadline
    ) async throws(BlobError) -> CloudReply {
        var request = CloudRequest(.head, uri, "looking at the blob")
        request.headers = readHeaders
        request.headers.append(options.conditions)
        do throws(CloudFailure) {
            return try await client.reply(request, deadline: deadline)
        } catch {
            if error.status == 404 { try await checkContainer(of: uri, deadline) }
            throw error.error.on(uri)
        }
    }

    /// What finds nothing and has no body to say so does not tell what is missing: the blob or its
    /// container.
    func checkContainer(of uri: BlobURI, _ deadline: CallDeadline) async throws(BlobError) {
        guard let request = containerRequest(uri) else { return }
        do throws(CloudFailure) {
            _ = try await client.reply(request, deadline: deadline)
        } catch {
            // Only a clear no counts: who may read blobs may not be allowed to ask about containers.
            let isAboutContainer = request.uri.key.isEmpty && error.status == 404
            guard isAboutContainer || error.error.code == .containerNotFound else { return }
            let rule = client.service.rules.noContainer
            throw BlobError(rule.code, rule.advice, uri: uri, origin: .backend)
        }
    }
}

extension GetOptions {
    /// What all services call the conditions of a read.
    var conditions: HTTPHeaders {
        var headers = HTTPHeaders()
        if let ifMatch { headers.append("if-match", ifMatch) }
        if let ifNoneMatch { headers.append("if-none-match", ifNoneMatch) }
        return headers
    }
}
