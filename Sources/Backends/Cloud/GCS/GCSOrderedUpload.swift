internal import Backends
internal import BlobCore

extension GCSDialect {
    /// GC-07: uploads in parts take no conditions. A resumable upload, whose bytes come in order, does:
    /// the service checks it when the last of them are there.
    func beginOrderedUpload(
        _ write: CloudWrite
    ) async throws(BlobError) -> (any OrderedUpload)? {
        guard
            let generation = try await generation(
                for: write.condition, of: write.uri, write.deadline)
        else { return nil }
        var request = CloudRequest(.post, write.uri, "beginning to write the blob")
        request.headers = try creationHeaders(write.attributes, commitToken: write.commitToken)
        request.headers.append(Self.generationCondition, generation)
        request.headers.append("x-goog-resumable", "start")
        do throws(CloudFailure) {
            let reply = try await client.reply(request, deadline: write.deadline)
            // CM-10: only the session's name is taken from there, not the place.
            guard let location = reply.headers["location"].flatMap(ServiceURL.init),
                let sessionID = Self.sessionID(location.query ?? ""), !sessionID.isEmpty
            else { throw CloudFailure.nonsense(request, "without the name of the upload") }
            return GCSOrderedUpload(dialect: self, write: write, sessionID: sessionID)
        } catch {
            throw write.condition.error(for: error)
        }
    }

    private static func sessionID(_ query: String) -> String? {
        for pair in query.split(separator: "&") where pair.hasPrefix("upload_id=") {
            return PercentEncoding.decodeForm(String(pair.dropFirst("upload_id=".count)))
        }
        return nil
    }
}

/// A resumable upload under way. Given up or forgotten it is invisible, costs nothing and ends by
/// itself after a week: no journal notes it.
struct GCSOrderedUpload: OrderedUpload {
    let dialect: GCSDialect
    let write: CloudWrite
    /// Who has it can write: it goes nowhere but into requests (CM-08).
    let sessionID: String
    /// How many bytes were sent before.
    private var byteCount: UInt64 = 0
    private var checksum = CRC32C()

    init(dialect: GCSDialect, write: CloudWrite, sessionID: String) {
        self.dialect = dialect
        self.write = write
        self.sessionID = sessionID
    }

    /// All but the last bytes have to be a multiple of 256 KiB, which parts are.
    mutating func append(
        _ pieces: [Bytes], isLast: Bool
    ) async throws(CloudFailure) -> FinishedUpload? {
        do throws(BlobError) {
            checksum = try await dialect.crc32c(of: pieces, after: checksum, write.uri)
        } catch {
            throw CloudFailure(error)
        }
        let start = byteCount
        let end = pieces.reduce(start) { $0 + UInt64($1.count) }
        byteCount = end
        var kept = start
        var progress: CloudProgress?
        while true {
            var request = request(.put, "writing bytes \(kept) to \(end) of the blob")
            let total = isLast ? String(end) : "*"
            request.headers.append("content-range", "bytes \(kept)-\(end &- 1)/\(total)")
            request.body = .bytes(Self.drop(Int(kept - start), of: pieces))
            request.acceptedStatus = Self.incomplete
            request.takesLong = isLast
            let reply = try await reply(request)
            guard reply.status == Self.incomplete else {
                guard isLast else { throw CloudFailure.nonsense(request, "before the end") }
                return try await finished(reply)
            }
            let now = Self.keptByteCount(reply.headers)
            if now == end, !isLast { return nil }
            // What was kept before is not at hand any more.
            guard let now, now >= kept, now < end else {
                throw CloudFailure.nonsense(request, "that it has lost what it got before")
            }
            if now == kept {
                if progress == nil {
                    progress = dialect.client.progress(of: request, write.deadline)
                }
                try await pause(after: .nonsense(request, "that it got nothing"), &progress)
            }
            kept = now
        }
    }

    /// A session that is gone is told by 410, and by 404 too: that is not about a blob, which need not
    /// be there yet, nor about the condition of the write.
    private func reply(_ request: CloudRequest) async throws(CloudFailure) -> CloudReply {
        do throws(CloudFailure) {
            return try await dialect.client.reply(request, deadline: write.deadline)
        } catch {
            guard error.status == 410 || error.error.code == .notFound else { throw error }
            var failure = error
            // Perhaps because the blob is there: the engine sends such a request again by itself when a
            // connection that was used before has lost it.
            failure.isAmbiguous = true
            guard error.error.code == .notFound else { throw failure }
            do throws(BlobError) {
                try await dialect.checkContainer(of: write.uri, write.deadline)
                let rule = CloudErrorRule.forgotten
                failure.error = BlobError(
                    rule.code, "\(request.purpose) failed: \(rule.advice)", origin: .backend)
            } catch {
                failure.error = error
            }
            throw failure
        }
    }

    private func pause(
        after failure: CloudFailure, _ progress: inout CloudProgress?
    ) async throws(CloudFailure) {
        guard let delay = try progress?.delay(after: failure) else { return }
        do {
            try await dialect.client.engines.sleep(for: delay)
        } catch {
            throw CloudFailure(BlobError.cancelled)
        }
    }

    func giveUp() async {
        let deadline = CallDeadline(CallOptions(timeout: .seconds(60)))
        var request = request(.delete, "giving up the upload")
        // "Client closed request", which is Google's word for done.
        request.acceptedStatus = 499
        do throws(CloudFailure) {
            _ = try await dialect.client.reply(request, deadline: deadline)
        } catch {
            // It ends by itself.
        }
    }

    private static let incomplete = 308

    private func request(_ method: HTTPRequest.Method, _ purpose: String) -> CloudRequest {
        var request = CloudRequest(method, write.uri, purpose)
        request.query = [(name: "upload_id", value: sessionID)]
        return request
    }

    private func finished(_ reply: CloudReply) async throws(CloudFailure) -> FinishedUpload {
        guard let etag = reply.headers.entityTag else {
            throw CloudFailure(EntityTag.missing(write.uri))
        }
        try await check(reply.headers)
        return FinishedUpload(etag: etag, version: dialect.metadata.version(reply.headers))
    }

    func check(_ headers: HTTPHeaders) async throws(CloudFailure) {
        guard let found = headers.googleCRC32C, found != checksum.base64 else { return }
        var error = BlobError(
            .checksumMismatch,
            "the bytes were damaged on the way; what was stored of them is removed again",
            origin: .backend)
        // Whatever becomes of the removal: the blob is there and is not what was to be written. That
        // is certain, so that nobody looks for it and takes it for good.
        if !(await remove(GCSDialect.generation(headers))) {
            error.message =
                "the bytes were damaged on the way, and the blob that was made of them could not be"
                + " removed again; delete it"
            // With its condition the write would meet this blob.
            error.retry = .never
        }
        throw CloudFailure(error)
    }

    /// Removes what was made, and nothing that somebody has written since; whether it is gone.
    private func remove(_ generation: String?) async -> Bool {
        guard let generation else { return false }
        var request = CloudRequest(.delete, write.uri, "removing the damaged blob")
        request.headers.append(GCSDialect.generationCondition, generation)
        do throws(CloudFailure) {
            _ = try await dialect.client.reply(request, deadline: write.deadline)
            return true
        } catch {
            return error.status == 404 || error.status == 412
        }
    }

    /// `bytes=0-N`, or nothing for nothing.
    private static func keptByteCount(_ headers: HTTPHeaders) -> UInt64? {
        guard let range = headers["range"] else { return 0 }
        guard range.hasPrefix("bytes=0-"), let last = ByteCount.parse(range.dropFirst(8)) else {
            return nil
        }
        return last + 1
    }

    private static func drop(_ byteCount: Int, of pieces: [Bytes]) -> [Bytes] {
        var rest: [Bytes] = []
        var left = byteCount
        for piece in pieces {
            if left < piece.count { rest.append(piece.dropFirst(left)) }
            left = max(0, left - piece.count)
        }
        return rest
    }
}
