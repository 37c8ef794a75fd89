import Backends
import BlobCore
import Foundation
import LinuxIO
import Synchronization
import TestKit
import Testing

/// A dispatcher over several stores, as `blobrpcd` has it, with a place in each.
struct CopyFixture: Sendable {
    let dispatcher: BlobStoreDispatcher
    let from: UniformPlace
    let to: UniformPlace
    /// The stores themselves, without what a test put in between.
    let source: any BlobStore
    let destination: any BlobStore

    /// Runs `body` with blobs to be copied from one store to another, which may be the same one.
    ///
    /// - Parameters:
    ///   - onChunk: Sees what is read of the source.
    ///   - intercept: Is asked before the destination copies by itself.
    static func with(
        _ pair: CopyPair, onChunk: ObservedStore.ChunkHook? = nil,
        intercept: @escaping ObservedStore.Interception = { _ in },
        _ body: (CopyFixture) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let from = try await pair.from.open(directory)
        let to = try await pair.to.open(directory)
        let pool = BlockingPool(name: "copy", threadCount: 2)
        defer { pool.shutdown() }
        let source = try from.makeBackend(pool)
        let destination =
            pair.from.scheme == pair.to.scheme ? source : try to.makeBackend(pool)
        var backends: [BlobURI.Scheme: any BlobStore] = [pair.to.scheme: destination.store]
        backends[pair.from.scheme] = ObservedStore(
            source.store, intercept: intercept, onChunk: onChunk)
        let fixture = CopyFixture(
            dispatcher: try BlobStoreDispatcher(
                backends: backends,
                mounts: ["from": from.base.below("mount"), "to": to.base.below("mount")],
                blockingPool: pool),
            from: from, to: to, source: source.store, destination: destination.store)
        let result: Result<Void, any Error>
        do {
            try await body(fixture)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await source.close()
        if pair.from.scheme != pair.to.scheme { await destination.close() }
        try result.get()
    }

    /// Expects that the destination has nothing of this test, nor will have.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        // Given up behind the caller's back; the suite's time limit bounds the wait.
        while try await to.openUploadCount() > 0 {}
        let entries = try await destination.listAll(to.base.below(""))
        #expect(entries.map(\.uri) == [], sourceLocation: sourceLocation)
    }

    /// Puts something else where the source is: with a store by writing, with a file in place.
    func replaceSource(_ key: String, byteCount: Int) async throws {
        let uri = from.base.below(key)
        guard uri.scheme == .file else {
            try await source.put(uri, Bytes.seeded(99, byteCount))
            return
        }
        let handle = try #require(FileHandle(forWritingAtPath: uri.key))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data([0]))
        try handle.close()
    }
}

/// From where to where.
struct CopyPair: Sendable, CustomTestStringConvertible {
    var from: UniformStore
    var to: UniformStore

    var testDescription: String { "\(from.testDescription) to \(to.testDescription)" }

    /// Every store to every other.
    static let all: [CopyPair] = UniformStore.each.flatMap { from in
        UniformStore.each.filter { $0.scheme != from.scheme }.map { CopyPair(from: from, to: $0) }
    }
}

extension BlobURI {
    /// The blob `key` below this place.
    func below(_ key: String) -> BlobURI { replacingKey("\(self.key)/\(key)") }
}

extension Bytes {
    /// `byteCount` bytes that follow from `seed`.
    static func seeded(_ seed: UInt64, _ byteCount: Int) -> Bytes {
        SeededBody(seed: seed, byteCount: byteCount).bytes(0..<byteCount)
    }
}

/// Does something once.
final class Once: Sendable {
    private let isDone = Mutex(false)

    /// Whether this is the first call.
    func isFirst() -> Bool {
        isDone.withLock { isDone in
            defer { isDone = true }
            return !isDone
        }
    }
}
