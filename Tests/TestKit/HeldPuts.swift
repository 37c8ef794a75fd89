public import BlobCore
internal import Synchronization
internal import Testing

/// Gives some pieces of a body and then nothing, until its task is cancelled.
public final class HeldSource: ByteSource {
    private let source: any ByteSource
    private let left: Mutex<Int>
    /// The consumer waits for more than it gets.
    public let isHeld = Event()

    /// The first `pieceCount` pieces of `source`.
    public init(_ source: any ByteSource, pieceCount: Int) {
        self.source = source
        left = Mutex(pieceCount)
    }

    /// The next piece.
    public func next() async throws(BlobError) -> Bytes? {
        let isGiven = left.withLock { left in
            left -= 1
            return left >= 0
        }
        if isGiven { return try await source.next() }
        isHeld.signal()
        // Nobody signals this one: only a cancellation ends the wait.
        do { try await Event().wait() } catch { throw BlobError.cancelled }
        return nil
    }
}

/// Calls that somebody gives up in the middle.
public enum HeldPuts {
    /// Begins a put of 100 MiB that stops after 24.
    public static func begin(by store: any BlobStore, to uri: BlobURI) -> Task<Void, any Error> {
        let source = HeldSource(
            SeededBody(seed: 1, byteCount: 100 << 20).source(pieceByteCount: 1 << 20),
            pieceCount: 24)
        return Task {
            _ = try await store.put(
                uri, body: .stream(source, byteCount: nil), options: PutOptions())
        }
    }

    /// Makes `count` calls, eight at once, each cancelled somewhere else: half of them gets of `blob`,
    /// half puts to what `target` names.
    ///
    /// - Parameter condition: Of the put with this number.
    public static func cancel(
        _ count: Int, by store: any BlobStore, blob: BlobURI,
        target: @escaping @Sendable (String) -> BlobURI,
        condition: @escaping @Sendable (Int) -> WriteCondition = { _ in .overwrite }
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= 8 { try await group.next() }
                group.addTask {
                    if index.isMultiple(of: 2) {
                        let read = try await store.read(blob, options: GetOptions())
                        for _ in 0..<(index % 7) { _ = try await read.source.next() }
                        read.source.cancel()
                        return
                    }
                    let source = HeldSource(
                        SeededBody(seed: 1, byteCount: 30 << 20).source(
                            pieceByteCount: 256 << 10), pieceCount: index % 45)
                    let put = Task {
                        _ = try await store.put(
                            target("put-\(index)"), body: .stream(source, byteCount: nil),
                            options: PutOptions(condition: condition(index)))
                    }
                    try await source.isHeld.wait()
                    put.cancel()
                    await #expect(throws: BlobError.self) { try await put.value }
                }
            }
            try await group.waitForAll()
        }
    }
}
