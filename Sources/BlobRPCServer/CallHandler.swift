internal import Backends
internal import BlobCore
internal import BlobWire

/// Serves one call: decoded request in, response and body out. What is judged is the very value
/// that is executed.
struct CallHandler {
    let call: Call
    let listener: ServedListener

    /// The longest body of records, in bytes (rule W-49).
    static let maximumRecordByteCount = 4 << 20
    /// Blobs of one deleteMany (rule W-75).
    static let maximumDeleteCount = 1000
    /// Parts of one presignUploadParts (rule W-78).
    static let maximumPartCount = 10_000
    /// Bodies announced up to this size are collected first: the backend then needs one step.
    static let collectedBodyByteCount: UInt64 = 64 << 10

    private var store: PolicyStore { call.store }

    func run(on session: isolated ServerSession) async throws(BlobError) {
        // The store judges again, with what the call names; a call that is refused in any case is so
        // before its body is taken.
        try store.judge.judge(call.request.operation)
        try checkBodyForm()
        switch call.request.arguments {
        case .get(let uri, let options): try await get(uri, options, on: session)
        case .list(let uri, let options): try await list(uri, options, on: session)
        case .deleteMany: try await deleteMany(on: session)
        case .presignUploadParts(let upload, let options):
            try await presignParts(upload, options, on: session)
        case .listParts(let upload, let after):
            try await listParts(upload, after, on: session)
        case .removeListener(let path): try await removeListener(at: path, on: session)
        case .listListeners: try await listListeners(on: session)
        default:
            answer(try await unary(on: session), on: session)
        }
    }

    /// W-29: an operation with a body is not called without one, nor the other way round.
    private func checkBodyForm() throws(BlobError) {
        guard call.request.operation.hasRequestBody == (call.bodyForm != .none) else {
            throw BlobError(
                .invalidArgument,
                call.bodyForm == .none
                    ? "the call needs a body (W-29)" : "the call takes no body (W-29)",
                origin: .protocol)
        }
    }

    private func answer(_ response: BlobResponse, on session: isolated ServerSession) {
        session.respond(streamID: call.streamID, response, isLast: true)
    }

    private func unary(
        on session: isolated ServerSession
    ) async throws(BlobError) -> BlobResponse {
        switch call.request.arguments {
        case .head(let uri, let options):
            return .metadata(try await store.head(uri, options: options), ranges: [])
        case .put(let uri, let options, let byteCount):
            let body = try await body(byteCount, on: session)
            return .written(try await store.put(uri, body: body, options: options))
        case .delete(let uri):
            return .deleted(try await store.delete(uri, options: CallOptions()))
        case .copy(let source, let destination, let options):
            return .written(
                try await store.copy(from: source, to: destination, options: options))
        case .presign(let method, let uri, let options):
            return .url(try await store.presign(method, uri, options: options))
        case .createMultipartUpload(let uri, let options):
            return .upload(try await store.createMultipartUpload(uri, options: options))
        case .uploadPart(let upload, let partNumber, let options, let byteCount):
            let body = try await body(byteCount, on: session)
            return .part(
                try await store.uploadPart(
                    upload, partNumber: partNumber, body: body, options: options))
        case .completeMultipartUpload(let upload, let options):
            let parts = try await records(on: session, RecordBody.parts)
            return .written(
                try await store.completeMultipartUpload(upload, parts: parts, options: options))
        case .abortMultipartUpload(let upload):
            try await store.abortMultipartUpload(upload, options: CallOptions())
            return .done
        case .capabilities(let uri):
            return .capabilities(try await store.capabilities(of: uri, options: CallOptions()))
        case .info: return .info(store.info(listener))
        case .addListener(let text, let options):
            return .listener(path: try await addListener(text, options, on: session))
        case .get, .list, .deleteMany, .presignUploadParts, .listParts, .removeListener,
            .listListeners:
            throw BlobError(.internal, "a call with a body was taken for one without")
        }
    }

    // MARK: Request bodies

    private func body(
        _ byteCount: UInt64?, on session: isolated ServerSession
    ) async throws(BlobError) -> BlobBody {
        switch call.bodyForm {
        case .none, .empty:
            guard byteCount ?? 0 == 0 else { throw shortBody(byteCount, 0) }
            return .bytes(Bytes())
        case .follows: break
        }
        guard let source = call.body else { return .bytes(Bytes()) }
        guard let byteCount, byteCount <= Self.collectedBodyByteCount else {
            guard store.policy.byteRate != nil else {
                return .stream(source, byteCount: byteCount)
            }
            let paced = PacedSource(source, call.share, on: session.loop)
            return .stream(paced, byteCount: byteCount)
        }
        let overlong = BlobError(
            .invalidArgument, "the body is longer than the \(byteCount) bytes announced")
        let bytes = try await collect(source, limit: Int(byteCount), overlong, on: session)
        guard bytes.count == Int(byteCount) else { throw shortBody(byteCount, bytes.count) }
        return .bytes(bytes)
    }

    /// W-73
    private func shortBody(_ announced: UInt64?, _ received: Int) -> BlobError {
        BlobError(
            .invalidArgument,
            "the body has \(received) bytes where \(announced ?? 0) were announced")
    }

    private func collect(
        _ source: InboundBody, limit: Int, _ overlong: BlobError,
        on session: isolated ServerSession
    ) async throws(BlobError) -> Bytes {
        guard let first = try await source.next() else { return Bytes() }
        guard first.count <= limit else { throw overlong }
        try await count(first, on: session)
        guard let second = try await source.next() else { return first }
        var collected = BytesBuilder(capacity: first.count + second.count)
        collected.append(first)
        var piece: Bytes? = second
        while let bytes = piece {
            guard collected.count + bytes.count <= limit else { throw overlong }
            try await count(bytes, on: session)
            collected.append(bytes)
            piece = try await source.next()
        }
        return collected.freeze()
    }

    /// W-95, W-98: counted twice, for what is collected is kept a second time when it is decoded.
    private func count(_ bytes: Bytes, on session: isolated ServerSession) async throws(BlobError) {
        try call.share.charge(2 * bytes.count)
        try await call.share.wait(bytes.count, on: session.loop)
    }

    private func records<Value>(
        on session: isolated ServerSession, _ decode: (Bytes) throws(WireError) -> Value
    ) async throws(BlobError) -> Value {
        var bytes = Bytes()
        if let source = call.body {
            bytes = try await collect(
                source, limit: Self.maximumRecordByteCount,
                BlobError(.tooLarge, "the list is too long (W-49)"), on: session)
        }
        do {
            return try decode(bytes)
        } catch {
            // A URI that is none is answered as such; a broken record as the argument it is.
            guard error.code == .badFrame else { throw error.blobError }
            throw BlobError(.invalidArgument, error.reason, origin: .protocol)
        }
    }

    // MARK: Answers with bodies

    private func get(
        _ uri: BlobURI, _ options: GetOptions, on session: isolated ServerSession
    ) async throws(BlobError) {
        let read = try await store.read(uri, options: options)
        defer { read.source.cancel() }
        // W-72
        session.respond(
            streamID: call.streamID, .metadata(read.metadata, ranges: read.ranges), isLast: false)
        // W-37: with several ranges every frame says where its bytes belong.
        let tellsOffsets = read.ranges.count > 1
        if let file = read.source as? LocalFileSource {
            try await FileRegionSender(call: call, tellsOffsets: tellsOffsets)
                .send(file, on: session)
        } else {
            while let chunk = try await read.source.next() {
                let isWanted = try await session.send(
                    .bytes(chunk.bytes), offset: tellsOffsets ? chunk.offset : nil, of: call)
                guard isWanted else { break }
            }
        }
        try session.sendTrailer(of: call)
    }

    private func list(
        _ prefix: BlobURI, _ options: ListOptions, on session: isolated ServerSession
    ) async throws(BlobError) {
        let page = try await store.list(prefix, options: options)
        try chargeRecords(page.entries.count + page.commonPrefixes.count)
        try await answer(
            .page(nextPageToken: page.nextPageToken),
            records: try RecordBody.encode(
                entries: page.entries, commonPrefixes: page.commonPrefixes), on: session)
    }

    private func deleteMany(on session: isolated ServerSession) async throws(BlobError) {
        let uris = try await records(on: session, RecordBody.uris)
        // W-75
        guard uris.count <= Self.maximumDeleteCount else {
            throw BlobError(
                .invalidArgument, "at most \(Self.maximumDeleteCount) blobs in one call")
        }
        // W-98: an error names its URI, in which every byte may have to be escaped.
        try call.share.charge(uris.reduce(0) { $0 + 1024 + 6 * $1.key.utf8.count })
        let outcomes = try await store.delete(uris, options: CallOptions())
        try await answer(
            .records, records: try RecordBody.encode(outcomes: outcomes), on: session)
    }

    private func presignParts(
        _ upload: MultipartUpload, _ options: PresignOptions, on session: isolated ServerSession
    ) async throws(BlobError) {
        let numbers = try await records(on: session, RecordBody.partNumbers)
        // W-78
        guard numbers.count <= Self.maximumPartCount else {
            throw BlobError(.invalidArgument, "at most \(Self.maximumPartCount) parts in one call")
        }
        try chargeRecords(numbers.count)
        let urls = try await store.presignUploadParts(
            upload, partNumbers: numbers, options: options)
        try await answer(
            .records, records: try RecordBody.encode(urls: urls), on: session)
    }

    private func listParts(
        _ upload: MultipartUpload, _ after: UInt32, on session: isolated ServerSession
    ) async throws(BlobError) {
        let page = try await store.listParts(
            upload, afterPartNumber: after, options: CallOptions())
        try chargeRecords(page.parts.count)
        try await answer(
            .parts(nextPartNumber: page.nextPartNumber),
            records: try RecordBody.encode(parts: page.parts), on: session)
    }

    /// W-98: a list that is made; a signed URL or a path is seldom longer.
    func chargeRecords(_ count: Int) throws(BlobError) {
        try call.share.charge(count << 10)
    }

    func answer(
        _ response: BlobResponse, records: Bytes, on session: isolated ServerSession
    ) async throws(BlobError) {
        guard !records.isEmpty else {
            session.respond(streamID: call.streamID, response, isLast: true)
            return
        }
        session.respond(streamID: call.streamID, response, isLast: false)
        _ = try await session.send(.bytes(records), offset: nil, of: call)
        try session.sendTrailer(of: call)
    }
}
