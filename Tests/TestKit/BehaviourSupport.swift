import BlobCore
import Glibc
import Synchronization
import Testing

/// Bytes that differ by seed and repeat only after an odd number of bytes, so that shifted, swapped
/// or mixed content is noticed. Copied from one block: tests of a debug build need many megabytes.
func patternBytes(count: Int, seed: UInt64 = 1) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { target, initializedCount in
        patternBlock.withUnsafeBytes { block in
            var source = Int(seed &* 7919 % UInt64(block.count))
            var position = 0
            while position < count {
                let byteCount = min(count - position, block.count - source)
                UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(target)[position...]
                )
                .copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: block[source..<(source + byteCount)]))
                position += byteCount
                source = 0
            }
        }
        initializedCount = count
    }
}

private let patternBlock: [UInt8] = {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<65_521).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}()

/// What was read: compared as memory, and printed as a count rather than megabytes of numbers.
struct Content: CustomTestStringConvertible {
    var bytes: [UInt8] = []

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }
    var testDescription: String { "\(bytes.count) bytes beginning \(bytes.prefix(8))" }

    /// Whether all bytes are the same one.
    var isUniform: Bool {
        guard let first = bytes.first else { return true }
        return self == [UInt8](repeating: first, count: bytes.count)
    }

    init() {}

    init(copying bytes: Bytes) {
        append(bytes)
    }

    /// As memory: a debug build takes minutes to append megabytes one by one.
    mutating func append(_ chunk: Bytes) {
        chunk.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    static func == (left: Content, right: [UInt8]) -> Bool {
        left.count == right.count && memcmp(left.bytes, right, right.count) == 0
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
    private let pieces: Mutex<[Bytes]>
    /// Everything was taken and the consumer waits for more.
    let wasTaken = Event()

    init(pieces: [Bytes]) {
        self.pieces = Mutex(pieces)
    }

    func next() async throws(BlobError) -> Bytes? {
        let piece = pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let piece { return piece }
        wasTaken.signal()
        // Nobody signals this one: only a cancellation ends the wait.
        do { try await Event().wait() } catch { throw BlobError.cancelled }
        return nil
    }
}

/// All bytes of a read. Expects every chunk to be where it must be.
func collect(
    _ read: BlobRead, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Content {
    var content = Content()
    var expected = read.ranges.flatMap { $0.isEmpty ? [] : [$0] }[...]
    for try await chunk in read {
        #expect(!chunk.bytes.isEmpty, sourceLocation: sourceLocation)
        let current = try #require(expected.first, sourceLocation: sourceLocation)
        #expect(chunk.offset == current.lowerBound, sourceLocation: sourceLocation)
        let end = chunk.offset + UInt64(chunk.bytes.count)
        try #require(end <= current.upperBound, sourceLocation: sourceLocation)
        expected[expected.startIndex] = end..<current.upperBound
        if end == current.upperBound { expected.removeFirst() }
        content.append(chunk.bytes)
    }
    #expect(expected.isEmpty, "the read ended early", sourceLocation: sourceLocation)
    return content
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
    func get(_ key: String, range: ByteRange? = nil) async throws -> Content {
        Content(copying: try await store.get(uri(key), range: range))
    }

    /// Expects that there is no blob `key`.
    func expectAbsent(
        _ key: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await expectError(.notFound, sourceLocation: sourceLocation) {
            _ = try await store.head(uri(key))
        }
    }

    /// Expects that nothing takes `key` for a name.
    func expectRefused(_ key: String) async throws {
        let uri = uri(key)
        await expectError(.invalidURI) { try await put(key, [9]) }
        await expectError(.invalidURI) { _ = try await get(key) }
        await expectError(.invalidURI) { _ = try await store.head(uri) }
        await expectError(.invalidURI) { try await store.delete(uri) }
        try await put("deleted", [1])
        let outcomes = try await store.delete(
            [self.uri("deleted"), uri, self.uri("missing")], options: CallOptions())
        #expect(try outcomes[0].get().existed == true)
        await expectError(.invalidURI) { _ = try outcomes[1].get() }
        #expect(try outcomes[2].get().existed == false)
        try await put("source", [1])
        for (source, destination) in [(uri, self.uri("copy")), (self.uri("source"), uri)] {
            await expectError(.invalidURI) {
                _ = try await store.copy(
                    from: source, to: destination, options: CopyOptions())
            }
        }
        await expectError(.invalidURI) {
            _ = try await store.createMultipartUpload(uri, options: MultipartOptions())
        }
        for method in PresignMethod.allCases {
            await expectError(.invalidURI) {
                _ = try await store.presign(method, uri, options: PresignOptions())
            }
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
