internal import Backends
public import BlobCore

extension GCSBackend {
    /// Copies within the service; the bytes do not come here (W-77).
    ///
    /// By "rewrite" of the JSON API: what is large or goes far takes it several calls instead of one
    /// that may never end, a blob can be copied onto itself, and both sides can have conditions.
    public func copy(
        from source: BlobURI, to destination: BlobURI, options: CopyOptions
    ) async throws(BlobError) -> PutResult {
        let deadline = CallDeadline(options.call)
        var get = GetOptions()
        get.ifMatch = options.ifSourceMatch
        let reply = try await store.headReply(source, get, deadline)
        let copy = GCSBlobCopy(
            source: source, destination: destination, condition: options.condition,
            byteCount: try store.size(reply, source), headers: reply.headers, deadline: deadline)
        do throws(BlobError) {
            let generation = try await rewrite(copy)
            return try await result(copy, generation)
        } catch {
            throw error.uri == nil ? error.on(destination) : error
        }
    }

    /// Returns the generation that was made.
    private func rewrite(_ copy: GCSBlobCopy) async throws(BlobError) -> String {
        var request = try copy.request(dialect.options)
        if let generation = try await dialect.generation(
            for: copy.condition, of: copy.destination, copy.deadline)
        {
            request.query.append((name: "ifGenerationMatch", value: generation))
            // The second answer would be about the first attempt's blob.
            request.isRepeatable = false
        }
        let query = request.query
        var rewrittenByteCount: UInt64 = 0
        do throws(CloudFailure) {
            while true {
                let reply = try await client.reply(request, deadline: copy.deadline)
                guard let progress = CredentialDocument.decode(GCSRewrite.self, from: reply.body)
                else { throw CloudFailure.nonsense(request, "with something that is no progress") }
                if progress.done {
                    guard let generation = progress.resource?.generation else {
                        throw CloudFailure.nonsense(request, "without the generation it made")
                    }
                    return generation
                }
                // One that stands still would go on for ever.
                guard let token = progress.rewriteToken,
                    let count = progress.totalBytesRewritten.flatMap({ ByteCount.parse($0) }),
                    count > rewrittenByteCount
                else { throw CloudFailure.nonsense(request, "that it has copied nothing more") }
                rewrittenByteCount = count
                request.query = query + [(name: "rewriteToken", value: token)]
            }
        } catch {
            throw await self.error(for: error, copy)
        }
    }

    /// The two API show different entity tags of the same blob: ours is that of the XML API.
    private func result(
        _ copy: GCSBlobCopy, _ generation: String
    ) async throws(BlobError) -> PutResult {
        var request = CloudRequest(.head, copy.destination, "looking at the copy")
        request.headers = dialect.readHeaders
        request.headers.append(GCSDialect.generationCondition, generation)
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: copy.deadline)
            guard let etag = reply.headers.entityTag else {
                throw CloudFailure(EntityTag.missing(copy.destination))
            }
            return PutResult(etag: etag, byteCount: copy.byteCount, version: generation)
        } catch {
            guard error.status == 404 || error.status == 412 else { throw error.error }
            throw BlobError(
                .objectChanged, "the copy was made, but was replaced or deleted at once",
                uri: copy.destination, origin: .backend)
        }
    }

    /// Which of the two sides a failure is about, which the JSON API does not say.
    private func error(
        for failure: CloudFailure, _ copy: GCSBlobCopy
    ) async -> BlobError {
        guard failure.status == 404 || failure.status == 412 else { return failure.error }
        do throws(BlobError) {
            if failure.status == 404 {
                try await dialect.checkContainer(of: copy.destination, copy.deadline)
            }
            let reply = try await store.headReply(copy.source, GetOptions(), copy.deadline)
            if GCSDialect.generation(reply.headers) == copy.generation {
                return copy.condition.error(for: failure)
            }
        } catch {
            guard error.code == .notFound else { return error }
        }
        return BlobError(
            .objectChanged, "the source was replaced or deleted while it was copied; copy again",
            uri: copy.source, origin: .backend)
    }
}

/// What is copied, in the generation that was looked at first, and where to.
struct GCSBlobCopy: Sendable {
    var source: BlobURI
    var destination: BlobURI
    var condition: WriteCondition
    var byteCount: UInt64
    /// What was said of the source.
    var headers: HTTPHeaders
    var deadline: CallDeadline

    var generation: String? { GCSDialect.generation(headers) }

    func request(_ options: GCSOptions) throws(BlobError) -> CloudRequest {
        // Names are checked where all are.
        for uri in [source, destination] { _ = try GCSEndpoint.encodedPath(uri) }
        var request = CloudRequest(.post, destination, "copying the blob")
        request.encodedPath =
            "/storage/v1" + Self.path(source) + "/rewriteTo" + Self.path(destination)
        if let generation {
            request.query.append((name: "ifSourceGenerationMatch", value: generation))
        }
        if let keyName = options.kmsKeyName {
            request.query.append((name: "destinationKmsKeyName", value: keyName))
        }
        request.headers.append("content-type", "application/json")
        request.headers.append(options.copySourceKey)
        request.headers.append(options.customerKey)
        request.body = .bytes([Bytes(utf8: try resource(options.storageClass))])
        request.takesLong = true
        return request
    }

    private static func path(_ uri: BlobURI) -> String {
        "/b/\(PercentEncoding.query(uri.container))/o/\(PercentEncoding.query(uri.key))"
    }

    /// Without a word, everything stays as it is at the source; who says anything says all.
    private func resource(_ storageClass: String?) throws(BlobError) -> String {
        guard let storageClass else { return "{}" }
        var resource = GCSResource(storageClass: storageClass)
        resource.contentType = headers["content-type"]
        resource.contentEncoding = headers["content-encoding"]
        resource.contentLanguage = headers["content-language"]
        resource.contentDisposition = headers["content-disposition"]
        let names = MetadataHeaders.gcs
        for field in headers.fields {
            let name = field.name.lowercased()
            guard name.hasPrefix(names.prefix), name != names.commitTokenHeader else { continue }
            resource.metadata[String(name.dropFirst(names.prefix.count))] = field.value
        }
        do throws(CredentialFailure) {
            return try CredentialDocument.encode(resource)
        } catch {
            throw BlobError(.internal, error.message)
        }
    }
}

/// What the JSON API says of an object.
private struct GCSResource: Encodable {
    var storageClass: String
    var contentType: String?
    var contentEncoding: String?
    var contentLanguage: String?
    var contentDisposition: String?
    var metadata: [String: String] = [:]
}

/// How far a rewrite has come.
private struct GCSRewrite: Decodable {
    struct Resource: Decodable {
        var generation: String?
    }

    var done: Bool
    var rewriteToken: String?
    var totalBytesRewritten: String?
    var resource: Resource?
}
