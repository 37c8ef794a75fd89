internal import BlobCore
internal import BlobWire
internal import LinuxIO
internal import Synchronization

/// The body of a response as its consumer takes it. Dropping it before its end gives the call up.
final class ResponseStream: Sendable {
    private let result: CallResult
    private let body: InboundBody
    private let isOver = Mutex(false)

    /// - Throws: `badFrame` for an operation whose response has no body.
    init(_ result: CallResult) throws(BlobError) {
        guard let body = result.body else { throw BlobClient.unexpected }
        self.result = result
        self.body = body
    }

    deinit {
        cancel()
    }

    /// The next piece; nil after the last, once the server has vouched for the whole.
    func next() async throws(BlobError) -> InboundBody.Piece? {
        let (body, connection, handle) = (body, result.connection, result.handle)
        let outcome = await withTaskCancellationHandler {
            do throws(BlobError) {
                return Result<InboundBody.Piece?, BlobError>.success(try await body.nextPiece())
            } catch {
                return .failure(error)
            }
        } onCancel: {
            connection.cancel(handle)
        }
        guard case .success(.some(let piece)) = outcome else {
            isOver.withLock { $0 = true }
            _ = try outcome.get()
            return nil
        }
        return piece
    }

    func cancel() {
        let wasOver = isOver.withLock { isOver in
            defer { isOver = true }
            return isOver
        }
        if !wasOver { result.connection.cancel(result.handle) }
    }
}

/// The bytes of a blob, with the checks that make "it ended" mean "it is whole": every byte comes
/// exactly once and in its place.
final class ResponseChunks: ChunkSource {
    private let stream: ResponseStream
    private let progress: Mutex<ReadProgress>

    init(_ result: CallResult, ranges: [Range<UInt64>]) throws(BlobError) {
        stream = try ResponseStream(result)
        progress = Mutex(ReadProgress(ranges: ranges))
    }

    func next() async throws(BlobError) -> BlobChunk? {
        guard let piece = try await stream.next() else {
            guard progress.withLock({ $0.isWhole }) else {
                throw ReadProgress.damaged("the blob ended early")
            }
            return nil
        }
        let offset = progress.withLock { progress in
            progress.advance(by: piece.bytes.count, announced: piece.offset)
        }
        return BlobChunk(offset: try offset.get(), bytes: piece.bytes)
    }

    func cancel() {
        stream.cancel()
    }
}

/// Where a read stands in its ranges.
struct ReadProgress {
    private let ranges: [Range<UInt64>]
    private var index = 0
    private var offset: UInt64

    init(ranges: [Range<UInt64>]) {
        self.ranges = ranges.filter { !$0.isEmpty }
        offset = self.ranges.first?.lowerBound ?? 0
    }

    var isWhole: Bool { index == ranges.count }

    /// - Parameter announced: The offset the frame carried, when it carried one.
    /// - Returns: Where the bytes belong.
    mutating func advance(by byteCount: Int, announced: UInt64?) -> Result<UInt64, BlobError> {
        guard index < ranges.count, UInt64(byteCount) <= ranges[index].upperBound - offset else {
            return .failure(Self.damaged("more bytes came than were announced"))
        }
        guard announced == nil || announced == offset else {
            return .failure(Self.damaged("bytes came out of order"))
        }
        let start = offset
        offset += UInt64(byteCount)
        if offset == ranges[index].upperBound {
            index += 1
            if index < ranges.count { offset = ranges[index].lowerBound }
        }
        return .success(start)
    }

    static func damaged(_ message: String) -> BlobError {
        BlobError(.dataLoss, message, origin: .client)
    }
}
