import BlobCore
import Synchronization
import TestKit
import Testing

@testable import Backends

/// Copies that go wrong: a typed error that names the right blob, and nothing to be seen.
@Suite(.timeLimit(.minutes(10))) struct CopyFailureTests {
    /// Of several parts, so that something is under way when it goes wrong.
    private static let byteCount = 16 << 20

    private func begin(_ fixture: CopyFixture) async throws {
        try await fixture.source.put(
            fixture.from.base.below("mount/blob"), Bytes.seeded(1, Self.byteCount))
    }

    private static let from = BlobURI(scheme: .blob, container: "from", key: "blob")
    private static let to = BlobURI(scheme: .blob, container: "to", key: "blob")

    private func copy(_ fixture: CopyFixture) async throws {
        _ = try await fixture.dispatcher.copy(from: Self.from, to: Self.to, options: CopyOptions())
    }

    @Test(arguments: CopyPair.all)
    func `CM-19 a read that breaks off leaves nothing, and the error names the source`(
        _ pair: CopyPair
    ) async throws {
        let broken: ObservedStore.ChunkHook = { chunk throws(BlobError) in
            guard chunk.offset < 8 << 20 else {
                throw BlobError(.backendUnavailable, "the connection broke", origin: .backend)
            }
            return chunk
        }
        try await CopyFixture.with(pair, onChunk: broken) { fixture in
            try await begin(fixture)
            let error = await expectError(.backendUnavailable) { try await copy(fixture) }
            #expect(error?.uri == Self.from.description)
            try await fixture.expectNothingLeft()
        }
    }

    @Test(arguments: CopyPair.all)
    func `CM-05 CM-19 a source that is replaced meanwhile leaves nothing`(
        _ pair: CopyPair
    ) async throws {
        let reached = Event()
        let replaced = Event()
        let once = Once()
        let replacing: ObservedStore.ChunkHook = { chunk throws(BlobError) in
            if once.isFirst() {
                reached.signal()
                do { try await replaced.wait() } catch { throw BlobError.cancelled }
            }
            return chunk
        }
        try await CopyFixture.with(pair, onChunk: replacing) { fixture in
            try await begin(fixture)
            let copying = Task { try await copy(fixture) }
            try await reached.wait()
            try await fixture.replaceSource("mount/blob", byteCount: Self.byteCount)
            replaced.signal()
            let error = await expectError(.objectChanged) { try await copying.value }
            #expect(error?.uri == Self.from.description)
            try await fixture.expectNothingLeft()
        }
    }

    @Test(arguments: UniformStore.each)
    func `CM-05 CM-19 nor where the store has to be read step by step`(
        _ store: UniformStore
    ) async throws {
        let once = Once()
        let (reached, replaced) = (Event(), Event())
        let unable = BlobError(.unsupportedOperation, "cannot copy")
        try await CopyFixture.with(
            CopyPair(from: store, to: store),
            onChunk: { chunk throws(BlobError) in
                if once.isFirst() {
                    reached.signal()
                    do { try await replaced.wait() } catch { throw BlobError.cancelled }
                }
                return chunk
            },
            intercept: { operation throws(BlobError) in if operation == .copy { throw unable } }
        ) { fixture in
            try await begin(fixture)
            let copying = Task { try await copy(fixture) }
            try await reached.wait()
            try await fixture.replaceSource("mount/blob", byteCount: Self.byteCount)
            replaced.signal()
            let error = await expectError(.objectChanged) { try await copying.value }
            #expect(error?.uri == Self.from.description)
            await expectError(.notFound) { _ = try await fixture.dispatcher.head(Self.to) }
            while try await fixture.to.openUploadCount() > 0 {}
        }
    }

    @Test(arguments: CopyPair.all)
    func `CM-14 a copy that is cancelled leaves nothing`(_ pair: CopyPair) async throws {
        let held = Event()
        let holding: ObservedStore.ChunkHook = { chunk throws(BlobError) in
            guard chunk.offset >= 8 << 20 else { return chunk }
            held.signal()
            // Nobody signals this one: only a cancellation ends the wait.
            do { try await Event().wait() } catch { throw BlobError.cancelled }
            return chunk
        }
        try await CopyFixture.with(pair, onChunk: holding) { fixture in
            try await begin(fixture)
            let copying = Task { try await copy(fixture) }
            try await held.wait()
            copying.cancel()
            await expectError(.cancelled) { try await copying.value }
            try await fixture.expectNothingLeft()
        }
    }

    @Test(arguments: CopyPair.all)
    func `CM-19 chunks that do not follow one another are no copy`(
        _ pair: CopyPair
    ) async throws {
        let once = Once()
        let skipping: ObservedStore.ChunkHook = { chunk throws(BlobError) in
            guard chunk.offset > 0, once.isFirst() else { return chunk }
            return BlobChunk(offset: chunk.offset + 1, bytes: chunk.bytes)
        }
        try await CopyFixture.with(pair, onChunk: skipping) { fixture in
            try await begin(fixture)
            let error = await expectError(.dataLoss) { try await copy(fixture) }
            #expect(error?.uri == Self.from.description)
            try await fixture.expectNothingLeft()
        }
    }

    /// What damages bytes between reader and writer cannot be made to happen; a reader that hashed
    /// other bytes looks the same to the writer.
    @Test(arguments: UniformStore.each, [100, byteCount])
    func `CM-19 bytes that are not those that were read are not stored`(
        _ store: UniformStore, _ byteCount: Int
    ) async throws {
        try await CopyFixture.with(CopyPair(from: store, to: store)) { fixture in
            let bytes = Bytes.seeded(3, byteCount)
            for isHonest in [false, true] {
                let body = BlobBody.stream(
                    HashedBytes(bytes, isHonest: isHonest), byteCount: UInt64(bytes.count))
                let uri = fixture.to.base.below("blob")
                if isHonest {
                    let result = try await fixture.destination.put(
                        uri, body: body, options: PutOptions())
                    #expect(result.sha256 == nil)
                    #expect(try await fixture.destination.get(uri) == bytes)
                } else {
                    await expectError(.checksumMismatch) {
                        _ = try await fixture.destination.put(
                            uri, body: body, options: PutOptions())
                    }
                    try await fixture.expectNothingLeft()
                }
            }
        }
    }

    @Test func `CM-19 a copy is never more than a batch ahead of its writer`() async throws {
        let chunks = CountedChunks(byteCount: 16 << 20)
        let uri = BlobURI(scheme: .s3, container: "bucket", key: "key")
        let source = try CopySource(chunks, of: uri, pool: nil)
        var taken = BytesBuilder()
        while let piece = try await source.next() {
            taken.append(piece)
            #expect(chunks.givenByteCount <= taken.count + (1 << 20))
        }
        #expect(taken.count == 16 << 20)
        let digest = try SHA256Digest()
        try taken.freeze().withUnsafeBytes { try digest.update($0) }
        #expect(try source.sha256() == digest.finish())
    }
}

/// A body that says of its own bytes, or of others, what their SHA-256 is.
private final class HashedBytes: HashedSource {
    private let bytes: Bytes
    private let isHonest: Bool
    private let offset = Mutex(0)

    init(_ bytes: Bytes, isHonest: Bool) {
        self.bytes = bytes
        self.isHonest = isHonest
    }

    func next() async throws(BlobError) -> Bytes? {
        let range = offset.withLock { offset in
            let start = offset
            offset = min(start + (1 << 20), bytes.count)
            return start..<offset
        }
        return range.isEmpty ? nil : bytes.slice(range)
    }

    func sha256() throws(BlobError) -> [UInt8] {
        let digest = try SHA256Digest()
        try (isHonest ? bytes : bytes.dropFirst(1)).withUnsafeBytes { bytes throws(BlobError) in
            try digest.update(bytes)
        }
        return try digest.finish()
    }
}

/// Gives chunks and counts what it gave.
private final class CountedChunks: ChunkSource {
    private let byteCount: Int
    private let offset = Mutex(0)

    init(byteCount: Int) { self.byteCount = byteCount }

    var givenByteCount: Int { offset.withLock { $0 } }

    func next() async throws(BlobError) -> BlobChunk? {
        let range = offset.withLock { offset in
            let start = offset
            offset = min(start + 100_000, byteCount)
            return start..<offset
        }
        guard !range.isEmpty else { return nil }
        return BlobChunk(
            offset: UInt64(range.lowerBound),
            bytes: Bytes([UInt8](repeating: UInt8(range.lowerBound % 251), count: range.count)))
    }

    func cancel() {}
}
