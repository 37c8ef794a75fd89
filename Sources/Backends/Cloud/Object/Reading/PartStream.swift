internal import Backends
internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// The bytes of one part, in order; begins again where a connection broke (CM-03).
final class PartStream: Sendable {
    private typealias Opening = Task<Result<HTTPResponse, CloudFailure>, Never>

    private struct State {
        var offset: UInt64
        var response: HTTPResponse?
        var opening: Opening?
        var isCancelled = false
    }

    let range: Range<UInt64>
    private let reader: RangeReader
    private let version: PinnedVersion
    private let window: HTTPReceiveWindow
    /// The memory that the part may fill before anybody takes it.
    private let ticket: MemoryBudget.Ticket?
    private let state: Mutex<State>

    /// A part of which `response` is under way already.
    init(
        _ range: Range<UInt64>, response: HTTPResponse?, reader: RangeReader,
        version: PinnedVersion
    ) {
        self.range = range
        self.reader = reader
        self.version = version
        window = HTTPReceiveWindow()
        ticket = nil
        state = Mutex(State(offset: range.lowerBound, response: response))
    }

    /// A part to be fetched ahead into the memory of `ticket`.
    init(
        _ range: Range<UInt64>, ahead ticket: MemoryBudget.Ticket, reader: RangeReader,
        version: PinnedVersion
    ) {
        self.range = range
        self.reader = reader
        self.version = version
        self.ticket = ticket
        var window = HTTPReceiveWindow()
        window.byteCount = Int(range.upperBound - range.lowerBound)
        self.window = window
        let ahead = window
        let opening = LoopTask.start { () -> Result<HTTPResponse, CloudFailure> in
            do throws(CloudFailure) {
                return .success(try await reader.open(range, of: version, receiveWindow: ahead))
            } catch {
                return .failure(error)
            }
        }
        state = Mutex(State(offset: range.lowerBound, opening: opening))
    }

    deinit { cancel() }

    /// The next bytes and where they belong; no bytes when all of the part were given.
    func nextChunk() async throws(BlobError) -> (offset: UInt64, bytes: Bytes?) {
        var progress: CloudProgress?
        while true {
            let offset = state.withLock { $0.offset }
            guard offset < range.upperBound else { return (offset, nil) }
            let failure: CloudFailure
            do throws(CloudFailure) {
                return (offset, try await step(from: offset))
            } catch {
                failure = error
            }
            state.withLock { $0.response = nil }
            if progress == nil { progress = reader.progress }
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
        after failure: CloudFailure, _ progress: inout CloudProgress?
    ) async throws(BlobError) {
        do throws(CloudFailure) {
            guard let delay = try progress?.delay(after: failure) else { throw failure }
            do {
                try await reader.dialect.client.engines.sleep(for: delay)
            } catch {
                throw CloudFailure(BlobError.cancelled)
            }
        } catch {
            throw error.error.on(reader.uri)
        }
    }

    private func step(from offset: UInt64) async throws(CloudFailure) -> Bytes {
        let response = try await currentResponse(from: offset)
        let bytes: Bytes?
        do throws(HTTPFailure) {
            bytes = try await response.next()
        } catch {
            throw CloudFailure(error, request: reader.request)
        }
        let remaining = range.upperBound - offset
        guard let bytes, UInt64(bytes.count) <= remaining else {
            var failure = CloudFailure(OpenedRange.unusable("another number of bytes", reader.uri))
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
        _ result: Result<HTTPResponse, CloudFailure>
    ) throws(CloudFailure) -> HTTPResponse {
        switch result {
        case .success(let response): return response
        case .failure(var failure):
            failure.retry = nil
            throw failure
        }
    }

    private func currentResponse(from offset: UInt64) async throws(CloudFailure) -> HTTPResponse {
        let (response, opening, isCancelled) = state.withLock { state in
            (state.response, state.opening, state.isCancelled)
        }
        if isCancelled { throw CloudFailure(BlobError.cancelled) }
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
            do throws(CloudFailure) {
                opened = try await reader.open(
                    offset..<range.upperBound, of: version, receiveWindow: window)
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
            throw CloudFailure(BlobError.cancelled)
        }
        return opened
    }
}
