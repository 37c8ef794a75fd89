internal import Backends
internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// Asks for ranges of one blob.
struct S3RangeReader: Sendable {
    let client: S3Client
    let uri: BlobURI
    let customerKey: HTTPHeaders
    let deadline: CallDeadline

    func open(
        _ range: String, ifMatch: String?, ifNoneMatch: String? = nil,
        wantsChecksum: Bool = false, receiveWindow: HTTPReceiveWindow = HTTPReceiveWindow()
    ) async throws(S3Failure) -> HTTPResponse {
        var request = S3Request(.get, uri, "reading the blob")
        request.headers.append("range", range)
        if let ifMatch { request.headers.append("if-match", ifMatch) }
        if let ifNoneMatch { request.headers.append("if-none-match", ifNoneMatch) }
        if wantsChecksum {
            request.headers.append(
                S3ReadCheck.requestHeader.name, S3ReadCheck.requestHeader.value)
        }
        request.headers.append(customerKey)
        request.receiveWindow = receiveWindow
        return try await client.open(request, deadline: deadline)
    }

    /// The bytes of `range` of the version `etag`, and of no other (CM-05).
    func open(
        _ range: Range<UInt64>, of etag: String, receiveWindow: HTTPReceiveWindow
    ) async throws(S3Failure) -> HTTPResponse {
        // CM-04: a weak tag can belong to other bytes.
        guard S3EntityTag.isStrong(etag) else {
            throw S3Failure(S3OpenedRange.unusable("no strong entity tag to go on by", uri))
        }
        let response: HTTPResponse
        do throws(S3Failure) {
            response = try await open(
                "bytes=\(range.lowerBound)-\(range.upperBound - 1)", ifMatch: etag,
                receiveWindow: receiveWindow)
        } catch {
            guard [404, 412, 416].contains(error.status) else { throw error }
            throw S3Failure(Self.changed(uri))
        }
        let content = response.headers["content-range"].flatMap(S3ContentRange.init)
        // CM-05: a service may know no conditions, but then it has to say what it gives (CM-04).
        guard let gotEntityTag = response.headers["etag"].flatMap(S3EntityTag.quoted) else {
            response.cancel()
            throw S3Failure(S3OpenedRange.unusable("no entity tag", uri))
        }
        guard gotEntityTag == etag else {
            response.cancel()
            throw S3Failure(Self.changed(uri))
        }
        // CM-02
        guard response.status == 206, content?.range == range else {
            response.cancel()
            throw S3Failure(S3OpenedRange.unusable("a range that was not asked for", uri))
        }
        return response
    }

    static func changed(_ uri: BlobURI) -> BlobError {
        BlobError(
            .objectChanged, "the blob was replaced or deleted while it was read; read it again",
            uri: uri, origin: .backend)
    }
}

/// The bytes of one part, in order; begins again where a connection broke (CM-03).
final class S3PartStream: Sendable {
    private typealias Opening = Task<Result<HTTPResponse, S3Failure>, Never>

    private struct State {
        var offset: UInt64
        var response: HTTPResponse?
        var opening: Opening?
        var isCancelled = false
    }

    let range: Range<UInt64>
    private let reader: S3RangeReader
    private let etag: String
    private let window: HTTPReceiveWindow
    /// The memory that the part may fill before anybody takes it.
    private let ticket: MemoryBudget.Ticket?
    private let state: Mutex<State>

    /// A part of which `response` is under way already.
    init(
        _ range: Range<UInt64>, response: HTTPResponse?, reader: S3RangeReader, etag: String
    ) {
        self.range = range
        self.reader = reader
        self.etag = etag
        window = HTTPReceiveWindow()
        ticket = nil
        state = Mutex(State(offset: range.lowerBound, response: response))
    }

    /// A part to be fetched ahead into the memory of `ticket`.
    init(
        _ range: Range<UInt64>, ahead ticket: MemoryBudget.Ticket, reader: S3RangeReader,
        etag: String
    ) {
        self.range = range
        self.reader = reader
        self.etag = etag
        self.ticket = ticket
        var window = HTTPReceiveWindow()
        window.byteCount = Int(range.upperBound - range.lowerBound)
        self.window = window
        let ahead = window
        let opening = LoopTask.start { () -> Result<HTTPResponse, S3Failure> in
            do throws(S3Failure) {
                return .success(try await reader.open(range, of: etag, receiveWindow: ahead))
            } catch {
                return .failure(error)
            }
        }
        state = Mutex(State(offset: range.lowerBound, opening: opening))
    }

    deinit { cancel() }

    /// The next bytes and where they belong; no bytes when all of the part were given.
    func nextChunk() async throws(BlobError) -> (offset: UInt64, bytes: Bytes?) {
        var progress: S3Progress?
        while true {
            let offset = state.withLock { $0.offset }
            guard offset < range.upperBound else { return (offset, nil) }
            let failure: S3Failure
            do throws(S3Failure) {
                return (offset, try await step(from: offset))
            } catch {
                failure = error
            }
            state.withLock { $0.response = nil }
            if progress == nil { progress = reader.client.progress(reader) }
            try await pause(after: failure, &progress)
        }
    }

    /// Gives the part up. Idempotent.
    func cancel() {
        let (response, opening) = state.withLock { state in
            state.isCancelled = true
            defer {
                state.response = nil
                state.opening = nil
            }
            return (state.response, state.opening)
        }
        response?.cancel()
        guard let opening else { return }
        opening.cancel()
        // It may have ended with a response already.
        Task {
            if case .success(let response) = await opening.value { response.cancel() }
        }
    }

    private func pause(
        after failure: S3Failure, _ progress: inout S3Progress?
    ) async throws(BlobError) {
        do throws(S3Failure) {
            guard let delay = try progress?.delay(after: failure) else { throw failure }
            do {
                try await reader.client.parts.engines.sleep(for: delay)
            } catch {
                throw S3Failure(BlobError.cancelled)
            }
        } catch {
            throw error.error.on(reader.uri)
        }
    }

    private func step(from offset: UInt64) async throws(S3Failure) -> Bytes {
        let response = try await currentResponse(from: offset)
        let bytes: Bytes?
        do throws(HTTPFailure) {
            bytes = try await response.next()
        } catch {
            throw S3Failure(error, request: S3Request(.get, reader.uri, "reading the blob"))
        }
        let remaining = range.upperBound - offset
        guard let bytes, UInt64(bytes.count) <= remaining else {
            var failure = S3Failure(S3OpenedRange.unusable("another number of bytes", reader.uri))
            failure.retry = .transient
            throw failure
        }
        state.withLock { state in
            state.offset = offset + UInt64(bytes.count)
            if state.offset == range.upperBound { state.response = nil }
        }
        return bytes
    }

    /// The attempts of a request that gets no response are all made when it fails: only a body that
    /// breaks off is asked for again.
    private static func settled(
        _ result: Result<HTTPResponse, S3Failure>
    ) throws(S3Failure) -> HTTPResponse {
        switch result {
        case .success(let response): return response
        case .failure(var failure):
            failure.retry = nil
            throw failure
        }
    }

    private func currentResponse(from offset: UInt64) async throws(S3Failure) -> HTTPResponse {
        let (response, opening, isCancelled) = state.withLock { state in
            (state.response, state.opening, state.isCancelled)
        }
        if isCancelled { throw S3Failure(BlobError.cancelled) }
        if let response { return response }
        let opened: HTTPResponse
        if let opening {
            let result = await withTaskCancellationHandler {
                await opening.value
            } onCancel: {
                opening.cancel()
            }
            state.withLock { $0.opening = nil }
            opened = try Self.settled(result)
        } else {
            do throws(S3Failure) {
                opened = try await reader.open(
                    offset..<range.upperBound, of: etag, receiveWindow: window)
            } catch {
                opened = try Self.settled(.failure(error))
            }
        }
        let isLate = state.withLock { state in
            if !state.isCancelled { state.response = opened }
            return state.isCancelled
        }
        if isLate {
            opened.cancel()
            throw S3Failure(BlobError.cancelled)
        }
        return opened
    }
}
