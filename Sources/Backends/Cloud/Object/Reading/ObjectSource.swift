internal import BlobCore
internal import Synchronization

/// Gives the chunks of a blob in order while the next parts arrive.
///
/// The part being read needs no ticket, for it is held back by its connection; what is fetched ahead
/// does, and without memory nothing is fetched ahead.
final class ObjectSource: ChunkSource {
    private struct State {
        var plan: PartPlan
        var parts: [PartStream] = []
        /// How many parts may be on their way. Grows as the reader comes along: most readers of a
        /// large blob want all of it, but some want its beginning.
        var window = 1
        var isEnded = false
        /// What ended it; whoever asks again gets the same answer, and not an end.
        var failure: BlobError?
        var check: ReadCheck?
    }

    private let reader: RangeReader
    private let version: PinnedVersion
    private let memory: MemoryBudget
    private let maximumWindow: Int
    private let state: Mutex<State>

    init(
        reader: RangeReader, version: PinnedVersion, plan: PartPlan, opened: OpenedRange?,
        check: ReadCheck?, memory: MemoryBudget, maximumWindow: Int
    ) {
        self.reader = reader
        self.version = version
        self.memory = memory
        self.maximumWindow = maximumWindow
        var state = State(plan: plan)
        state.check = check
        if let opened {
            // The plan's first part may be shorter: then the rest of the response is not wanted.
            let byteCount = UInt64(opened.range.upperBound - opened.range.lowerBound)
            if let range = state.plan.next(maximumByteCount: byteCount) {
                state.parts.append(
                    PartStream(
                        range, response: opened.response, reader: reader, version: version))
            } else {
                opened.response.cancel()
            }
        }
        self.state = Mutex(state)
    }

    deinit { cancel() }

    func next() async throws(BlobError) -> BlobChunk? {
        while true {
            if Task.isCancelled {
                cancel()
                throw BlobError.cancelled.on(reader.uri)
            }
            guard let part = currentPart() else {
                try end()
                return nil
            }
            let offset: UInt64
            let bytes: Bytes?
            do throws(BlobError) {
                (offset, bytes) = try await part.nextChunk()
                if let bytes { try check(bytes) }
            } catch {
                cancel()
                state.withLock { $0.failure = error }
                throw error
            }
            if let bytes { return BlobChunk(offset: offset, bytes: bytes) }
            state.withLock { state in
                if !state.parts.isEmpty { state.parts.removeFirst() }
                state.window = min(state.window * 2, maximumWindow)
            }
        }
    }

    private func check(_ bytes: Bytes) throws(BlobError) {
        try state.withLock { state throws(BlobError) in try state.check?.update(bytes) }
    }

    /// All was read, or the read has failed or was cancelled before.
    private func end() throws(BlobError) {
        try state.withLock { state throws(BlobError) in
            if let failure = state.failure { throw failure }
            guard let check = state.check.take() else { return }
            do throws(BlobError) {
                try check.finish(reader.uri)
            } catch {
                state.failure = error
                throw error
            }
        }
    }

    func cancel() {
        let parts = state.withLock { state in
            state.isEnded = true
            state.check = nil
            defer { state.parts = [] }
            return state.parts
        }
        for part in parts { part.cancel() }
    }

    /// The part to read from, after starting those to fetch ahead; nil at the end.
    private func currentPart() -> PartStream? {
        state.withLock { state in
            guard !state.isEnded else { return nil }
            if state.parts.isEmpty, let range = state.plan.next() {
                state.parts.append(
                    PartStream(range, response: nil, reader: reader, version: version))
            }
            while !state.parts.isEmpty, state.parts.count <= state.window {
                var plan = state.plan
                guard let range = plan.next(),
                    let ticket = memory.tryTakeAhead(Int(range.upperBound - range.lowerBound))
                else { break }
                state.plan = plan
                state.parts.append(
                    PartStream(range, ahead: ticket, reader: reader, version: version))
            }
            if state.parts.isEmpty { state.isEnded = true }
            return state.parts.first
        }
    }
}
