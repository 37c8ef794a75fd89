import BlobCore
import Synchronization
import Testing

/// Bytes that differ by seed and never repeat with a short period, so that shifted or mixed content
/// is noticed.
func patternBytes(count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}

/// `bytes` as a stream of pieces of `pieceByteCount` bytes.
func pieces(of bytes: [UInt8], pieceByteCount: Int) -> AsyncStream<Bytes> {
    AsyncStream { continuation in
        for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
            let end = min(bytes.count, start + pieceByteCount)
            continuation.yield(Bytes(Array(bytes[start..<end])))
        }
        continuation.finish()
    }
}

/// Gives its pieces and then throws.
final class FailingSource: ByteSource {
    private let pieces: Mutex<[Bytes]>
    private let error: BlobError

    init(pieces: [Bytes], error: BlobError) {
        self.pieces = Mutex(pieces)
        self.error = error
    }

    func next() async throws(BlobError) -> Bytes? {
        let piece = pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let piece else { throw error }
        return piece
    }
}

/// Gives its pieces and then nothing more, until its task is cancelled.
final class EndlessSource: ByteSource {
    private struct State {
        var pieces: [Bytes]
        var isWaiting = false
    }

    private let state: Mutex<State>

    init(pieces: [Bytes]) {
        state = Mutex(State(pieces: pieces))
    }

    /// Whether everything was taken and the consumer waits for more.
    var isWaiting: Bool { state.withLock { $0.isWaiting } }

    func next() async throws(BlobError) -> Bytes? {
        let piece = state.withLock { state in
            state.isWaiting = state.pieces.isEmpty
            return state.pieces.isEmpty ? nil : state.pieces.removeFirst()
        }
        if let piece { return piece }
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(3600))
        }
        throw BlobError.cancelled
    }
}

/// Waits until `condition` holds, up to ten seconds.
func eventually(
    _ what: Comment, _ condition: () async throws -> Bool,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    for _ in 0..<1000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record(what, sourceLocation: sourceLocation)
}

/// Expects `body` to throw a `BlobError` with one of `codes`; returns it.
@discardableResult
func expectError(
    _ codes: BlobError.Code..., sourceLocation: SourceLocation = #_sourceLocation,
    from body: () async throws -> Void
) async -> BlobError? {
    do {
        try await body()
        Issue.record("expected \(codes), nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as BlobError {
        #expect(codes.contains(error.code), "\(error)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("untyped error \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

/// All bytes of a read. Expects every chunk to be where it must be.
func collect(
    _ read: BlobRead, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    var expected = read.ranges.flatMap { $0.isEmpty ? [] : [$0] }[...]
    for try await chunk in read {
        #expect(!chunk.bytes.isEmpty, sourceLocation: sourceLocation)
        let current = try #require(expected.first, sourceLocation: sourceLocation)
        #expect(chunk.offset == current.lowerBound, sourceLocation: sourceLocation)
        let end = chunk.offset + UInt64(chunk.bytes.count)
        try #require(end <= current.upperBound, sourceLocation: sourceLocation)
        expected[expected.startIndex] = end..<current.upperBound
        if end == current.upperBound { expected.removeFirst() }
        bytes += chunk.bytes
    }
    #expect(expected.isEmpty, "the read ended early", sourceLocation: sourceLocation)
    return bytes
}

extension BehaviourContext {
    /// Puts `bytes` at `key`.
    @discardableResult
    func put(
        _ key: String, _ bytes: [UInt8], options: PutOptions = PutOptions()
    ) async throws -> PutResult {
        try await store.put(uri(key), body: BlobBody(bytes), options: options)
    }

    /// The bytes of `key`.
    func get(_ key: String, range: ByteRange? = nil) async throws -> [UInt8] {
        Array(try await store.get(uri(key), range: range))
    }

    /// Expects that there is no blob `key`.
    func expectAbsent(
        _ key: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await expectError(.notFound, sourceLocation: sourceLocation) {
            _ = try await store.head(uri(key))
        }
    }

    /// The keys below the base, relative to it.
    func keys(
        prefix: String = "", options: ListOptions = ListOptions()
    ) async throws -> [String] {
        try await store.listAll(uri(prefix), options: options).map { relative($0.uri) }
    }

    /// The key of `uri` relative to the base.
    func relative(_ uri: BlobURI) -> String {
        let start = base.key.isEmpty ? 0 : base.key.utf8.count + 1
        return String(Substring(uri.key.utf8.dropFirst(start)))
    }
}
