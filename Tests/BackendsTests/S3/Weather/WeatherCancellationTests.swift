import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Callers who go (CM-14). The timeouts are far longer than what a test may take: only the
/// cancellation ends these calls.
@Suite(.timeLimit(.minutes(10))) struct WeatherCancellationTests {
    static let large = SeededBody(seed: 10, byteCount: 11 << 20).bytes

    /// Runs `call` in a task of its own, cancels that once `isReady` says so, and expects it to end.
    private func expectCancelled(
        when isReady: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation,
        call: @escaping @Sendable () async throws -> Void
    ) async throws {
        let task = Task { try await call() }
        try await isReady()
        let start = ContinuousClock.now
        task.cancel()
        let outcome = await task.result
        #expect(ContinuousClock.now - start < .seconds(120), sourceLocation: sourceLocation)
        let error = #expect(throws: BlobError.self, sourceLocation: sourceLocation) {
            try outcome.get()
        }
        #expect(error?.code == .cancelled, "\(outcome)", sourceLocation: sourceLocation)
    }

    @Test(arguments: WeatherOperation.allCases, [false, true])
    func `CM-14 each request of each operation can be given up`(
        operation: WeatherOperation, runsOnLoop: Bool
    ) async throws {
        var settings = Weather.Settings()
        settings.runsOnLoop = runsOnLoop
        for summary in Set(operation.asked) {
            let arrived = Event()
            let isOver = Event()
            let tally = Tally()
            try await withWeather(settings) { request, calm in
                guard request.summary == summary, tally.count() == 0 else { return calm() }
                arrived.signal()
                return ScriptedResponse([.wait(isOver), .close])
            } body: { weather in
                operation.prepare(weather)
                defer { isOver.signal() }
                try await expectCancelled(when: { try await arrived.wait() }) {
                    try await operation.run(weather)
                }
                isOver.signal()
                // What was begun is given up in the end; what callers begin is theirs.
                await weather.backend.store.background.finish()
                let isOwn = operation == .putParts || operation == .copyParts
                if isOwn, summary != "HEAD" {
                    #expect(weather.asked.last == "DELETE upload")
                    #expect(weather.bucket.openUploads.isEmpty)
                }
                #expect(weather.bucket.bytes("new") == nil)
            }
        }
    }

    @Test func `CM-14 an upload that is begun while its writer goes is given up`() async throws {
        let arrived = Event()
        let goOn = Event()
        try await withWeather { request, calm in
            guard request.summary == "POST uploads" else { return calm() }
            arrived.signal()
            try? await goOn.wait()
            return calm()
        } body: { weather in
            try await expectCancelled(when: { try await arrived.wait() }) {
                try await weather.backend.put(weather.uri(), Self.large)
            }
            goOn.signal()
            try await weather.server.wait { $0.requests == 2 }
            await weather.backend.store.background.finish()
            #expect(weather.asked == ["POST uploads", "DELETE upload"])
            #expect(weather.bucket.openUploads.isEmpty)
        }
    }

    @Test(arguments: [0, 5_300_000, 11_000_000])
    func `CM-14 a read can be given up anywhere`(offset: Int) async throws {
        try await withWeather { request, calm in
            let answer = calm()
            return answer.cutBody(after: answer.bodyByteCount / 2, then: .stall)
        } body: { weather in
            weather.bucket.put("key", Self.large)
            let waits = Event()
            try await expectCancelled(when: { try await waits.wait() }) {
                let read = try await weather.backend.read(
                    weather.uri(), options: GetOptions(ranges: [.from(UInt64(offset))]))
                while let chunk = try await read.source.next() {
                    #expect(
                        Self.large.dropFirst(Int(chunk.offset)).prefix(chunk.bytes.count)
                            == chunk.bytes)
                    waits.signal()
                }
            }
        }
    }

    @Test func `CM-14 a reader who loses interest leaves nothing`() async throws {
        try await withCalmWeather { weather in
            weather.bucket.put("key", Self.large)
            // One chunk, then the source goes without a word.
            _ = try await weather.backend.read(weather.uri()).source.next()
            _ = try await weather.backend.read(weather.uri())
            let read = try await weather.backend.read(weather.uri())
            _ = try await read.source.next()
            read.source.cancel()
            #expect(try await read.source.next() == nil)
        }
    }

    @Test func `CM-14 a reader who is told to stop while it waits for a part stops`() async throws {
        let arrived = Event()
        try await withWeather { request, calm in
            guard request["range"] == "bytes=5242880-10485759" else { return calm() }
            arrived.signal()
            return ScriptedResponse([.stall])
        } body: { weather in
            weather.bucket.put("key", Self.large)
            let read = try await weather.backend.read(weather.uri())
            let task = Task {
                var byteCount = 0
                while let chunk = try await read.source.next() { byteCount += chunk.bytes.count }
                return byteCount
            }
            try await arrived.wait()
            read.source.cancel()
            // The bytes before that part may or may not have been given yet.
            switch await task.result {
            case .success(let byteCount): #expect(byteCount <= 5 << 20)
            case .failure(let error): #expect((error as? BlobError)?.code == .cancelled)
            }
        }
    }

    @Test func `CM-14 a pause between attempts can be given up`() async throws {
        var settings = Weather.Settings()
        settings.policy.maximumRetryAfter = .seconds(60)
        try await withWeather(settings) { _, _ in
            .error(503, "SlowDown", headers: [("Retry-After", "60")])
        } body: { weather in
            try await expectCancelled(when: { try await weather.server.wait { $0.requests == 1 } })
            {
                try await weather.backend.put(weather.uri(), WeatherOperation.small)
            }
            #expect(weather.asked.count == 1)
        }
    }

    @Test(arguments: [1000, 12 << 20])
    func `CM-14 a body that never comes can be given up`(byteCount: Int) async throws {
        let reached = Event()
        try await withCalmWeather { weather in
            let isReleased = Event()
            try await expectCancelled(when: { try await reached.wait() }) {
                let bytes = Self.large.prefix(byteCount)
                let source = GatedSource(bytes, reached: reached, isReleased: isReleased)
                _ = try await weather.backend.put(
                    weather.uri(), body: .stream(source, byteCount: nil), options: PutOptions())
            }
            try await isReleased.wait()
            await weather.backend.store.background.finish()
            #expect(weather.bucket.openUploads.isEmpty)
            #expect(weather.bucket.versionCount == 0)
        }
    }

    @Test func `CM-14 waiting for memory can be given up`() async throws {
        let arrived = Event()
        var settings = Weather.Settings()
        settings.configuration.memoryBudgetByteCount = 1
        try await withWeather(settings) { _, _ in
            arrived.signal()
            return ScriptedResponse([.stall])
        } body: { weather in
            // The first writer has all the memory there is.
            let bytes = Self.large.prefix(5 << 20)
            let first = Task { try await weather.backend.put(weather.uri(), bytes) }
            try await arrived.wait()
            #expect(weather.backend.store.memory.freeByteCount == 0)
            let begun = Event()
            try await expectCancelled(when: { try await begun.wait() }) {
                begun.signal()
                try await weather.backend.put(weather.uri("second"), bytes)
            }
            first.cancel()
            _ = await first.result
        }
    }

    @Test func `a server that shuts down ends what is under way`() async throws {
        let arrived = Event()
        try await withWeather { _, _ in
            arrived.signal()
            return ScriptedResponse([.stall])
        } body: { weather in
            let call = Task { try await weather.backend.head(weather.uri()) }
            try await arrived.wait()
            await weather.backend.close()
            await expectError(.shuttingDown) { _ = try await call.value }
            await expectError(.shuttingDown) { _ = try await weather.backend.head(weather.uri()) }
        }
    }
}

/// Gives its bytes, and then nothing more until its task is cancelled.
private final class GatedSource: ByteSource {
    private let pieces: PieceSource
    private let reached: Event

    init(_ bytes: Bytes, reached: Event, isReleased: Event) {
        pieces = PieceSource(bytes, isReleased: isReleased)
        self.reached = reached
    }

    func next() async throws(BlobError) -> Bytes? {
        if let piece = try await pieces.next() { return piece }
        reached.signal()
        do {
            try await Event().wait()
        } catch {
            throw .cancelled
        }
        return nil
    }
}
