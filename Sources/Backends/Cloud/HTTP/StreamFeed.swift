internal import BlobCore
internal import LinuxIO
internal import Synchronization

/// Pulls a body from its source ahead of the transfer, up to about a megabyte.
///
/// The last bytes are held back until the source has said that there are no more (CM-15): so a
/// source that gives too much, or fails at its end, leaves the server with an incomplete request.
final class StreamFeed: RequestFeed {
    /// How many bytes are pulled ahead.
    private static let aheadByteCount = 1 << 20

    private struct State {
        var queue = BytesQueue()
        var pulledByteCount: UInt64 = 0
        var heldBack: Bytes?
        /// libcurl has asked in vain.
        var isStarved = false
        var isStopped = false
        var isFailed = false
        var task: Task<Void, Never>?
        var puller: UnsafeContinuation<Void, Never>?
    }

    private enum Step {
        case goOn
        case waitForRoom
        case done
        case fail(HTTPFailure)
    }

    private let state = Mutex(State())
    private let source: any ByteSource
    private let byteCount: UInt64
    private let loop: EventLoop

    init(_ source: any ByteSource, byteCount: UInt64, loop: EventLoop) {
        self.source = source
        self.byteCount = byteCount
        self.loop = loop
    }

    // MARK: The transfer

    func read(into target: UnsafeMutableRawBufferPointer) -> RequestFeedResult {
        let (result, puller) = state.withLock { state in
            guard !state.isFailed, !state.isStopped else {
                return (RequestFeedResult.failed, state.puller.take())
            }
            let count = state.queue.read(into: target)
            state.isStarved = count == 0
            let hasRoom = state.queue.byteCount <= Self.aheadByteCount / 2
            return (count > 0 ? .bytes(count) : .starved, hasRoom ? state.puller.take() : nil)
        }
        puller?.resume()
        return result
    }

    func rewind() -> Bool { false }

    func start(
        wake: @escaping @Sendable () -> Void, fail: @escaping @Sendable (HTTPFailure) -> Void
    ) {
        let task = Task(executorPreference: loop) { [self] in
            await pull(wake: wake, fail: fail)
        }
        let isStopped = state.withLock { state in
            if !state.isStopped { state.task = task }
            return state.isStopped
        }
        if isStopped { task.cancel() }
    }

    func stop() {
        let (task, puller) = state.withLock { state in
            state.isStopped = true
            state.queue = BytesQueue()
            state.heldBack = nil
            return (state.task.take(), state.puller.take())
        }
        task?.cancel()
        puller?.resume()
    }

    // MARK: The source

    private func pull(
        wake: @Sendable () -> Void, fail: @Sendable (HTTPFailure) -> Void
    ) async {
        while true {
            let step: Step
            do throws(BlobError) {
                step = accept(try await source.next(), wake: wake)
            } catch {
                step = .fail(HTTPFailure(.body(error), "the source of the body failed"))
            }
            switch step {
            case .goOn: continue
            case .waitForRoom: await waitForRoom()
            case .done: return
            case .fail(let failure):
                let isStopped = state.withLock { state in
                    state.isFailed = true
                    return state.isStopped
                }
                if !isStopped { fail(failure) }
                return
            }
        }
    }

    private func accept(_ piece: Bytes?, wake: @Sendable () -> Void) -> Step {
        let (step, mustWake) = state.withLock { state -> (Step, Bool) in
            guard !state.isStopped else { return (.done, false) }
            guard let piece else {
                guard state.pulledByteCount == byteCount else {
                    return (.fail(.bodyTooShort), false)
                }
                if let last = state.heldBack.take() { state.queue.append(last) }
                return (.done, Self.takeStarved(&state))
            }
            // Cannot wrap: the count was at most the declared one before.
            let (pulled, isTooMuch) = state.pulledByteCount.addingReportingOverflow(
                UInt64(piece.count))
            guard !isTooMuch, pulled <= byteCount else { return (.fail(.bodyTooLong), false) }
            state.pulledByteCount = pulled
            if piece.isEmpty { return (.goOn, false) }
            if pulled == byteCount {
                state.heldBack = piece
                return (.goOn, false)
            }
            state.queue.append(piece)
            let isFull = state.queue.byteCount >= Self.aheadByteCount
            return (isFull ? .waitForRoom : .goOn, Self.takeStarved(&state))
        }
        if mustWake { wake() }
        return step
    }

    private static func takeStarved(_ state: inout State) -> Bool {
        defer { state.isStarved = false }
        return state.isStarved && !state.queue.isEmpty
    }

    private func waitForRoom() async {
        await withUnsafeContinuation { continuation in
            // The unsafe kind: resumed by whoever takes it out of the state, or here.
            let mustWait = state.withLock { state in
                let isFull = state.queue.byteCount >= Self.aheadByteCount
                guard isFull, !state.isStopped, !state.isFailed else { return false }
                state.puller = continuation
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }
}

extension HTTPFailure {
    fileprivate static let bodyTooShort = HTTPFailure(
        .bodyLength, "the source of the body ended before the declared length")
    fileprivate static let bodyTooLong = HTTPFailure(
        .bodyLength, "the source of the body gives more than the declared length")
}
