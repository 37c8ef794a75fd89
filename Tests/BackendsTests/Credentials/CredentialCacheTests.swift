import BlobCore
import Synchronization
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Many callers, one fetch.
@Suite(.timeLimit(.minutes(10))) struct CredentialCacheTests {
    /// A fetch that says when it begins and waits until it may end.
    private final class Gate: Sendable {
        let began = Event()
        let mayEnd = Event()
        /// Signalled when the fetch was cancelled.
        let wasCancelled = Event()
        private let counter = Mutex(0)

        var count: Int { counter.withLock { $0 } }

        func fetch() async throws(CredentialFetchFailure) -> AWSCredentials {
            let number = counter.withLock { counter in
                counter += 1
                return counter
            }
            began.signal()
            do {
                try await mayEnd.wait()
            } catch {
                wasCancelled.signal()
                throw CredentialFetchFailure(error: .cancelled, isAbsence: false)
            }
            return AWSCredentials(accessKeyID: "key-\(number)", secretAccessKey: "s")
        }
    }

    private func cache(_ gate: Gate, _ time: TestWallClock = TestWallClock()) -> CredentialCache<
        AWSCredentials
    > {
        CredentialCache<AWSCredentials>(clock: time.clock) { () throws(CredentialFetchFailure) in
            try await gate.fetch()
        }
    }

    @Test("A thousand callers cause one fetch")
    func singleFlight() async throws {
        let gate = Gate()
        let cache = cache(gate)
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<1000 {
                group.addTask { try await cache.credentials().accessKeyID }
            }
            group.addTask {
                try await gate.began.wait()
                gate.mayEnd.signal()
                return "key-1"
            }
            var keys: Set<String> = []
            for try await key in group { keys.insert(key) }
            return keys
        }
        #expect(keys == ["key-1"])
        #expect(gate.count == 1)
    }

    @Test("A caller who is cancelled leaves, and the fetch goes on for the others")
    func cancellation() async throws {
        let gate = Gate()
        let cache = cache(gate)
        let first = Task { await expectError(.cancelled) { _ = try await cache.credentials() } }
        try await gate.began.wait()
        let second = Task { try await cache.credentials() }
        first.cancel()
        _ = await first.value
        gate.mayEnd.signal()
        #expect(try await second.value.accessKeyID == "key-1")
        #expect(gate.count == 1)
    }

    @Test("What was fetched for a caller who left is there for the next one")
    func fetchOutlivesItsCause() async throws {
        let gate = Gate()
        let cache = cache(gate)
        let caller = Task { await expectError(.cancelled) { _ = try await cache.credentials() } }
        try await gate.began.wait()
        caller.cancel()
        _ = await caller.value
        gate.mayEnd.signal()
        #expect(try await cache.credentials().accessKeyID == "key-1")
        #expect(gate.count == 1)
    }

    @Test("A caller who is cancelled before it asks does not wait")
    func cancelledBefore() async throws {
        let gate = Gate()
        let cache = cache(gate)
        let caller = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await expectError(.cancelled) { _ = try await cache.credentials() }
        }
        _ = await caller.value
        cache.close()
    }

    @Test("Closing ends the fetch and tells those who wait")
    func closing() async throws {
        let gate = Gate()
        let cache = cache(gate)
        let caller = Task {
            await expectError(.shuttingDown) { _ = try await cache.credentials() }
        }
        try await gate.began.wait()
        cache.close()
        _ = await caller.value
        try await gate.wasCancelled.wait()
        await expectError(.shuttingDown) { _ = try await cache.credentials() }
        #expect(gate.count == 1)
    }

    @Test("A cache that nobody holds any more ends its fetch")
    func dropping() async throws {
        let gate = Gate()
        var cache: CredentialCache<AWSCredentials>? = cache(gate)
        weak let watched = cache
        let caller = Task { [cache] in
            await expectError(.cancelled) { _ = try await cache?.credentials() }
        }
        try await gate.began.wait()
        caller.cancel()
        _ = await caller.value
        cache = nil
        try await gate.wasCancelled.wait()
        #expect(watched == nil)
    }

    @Test("A renewal in the background keeps nobody waiting")
    func backgroundRenewal() async throws {
        let time = TestWallClock()
        let counter = Mutex(0)
        let renewalBegan = Event()
        let mayEnd = Event()
        let cache = CredentialCache<AWSCredentials>(clock: time.clock) {
            () throws(CredentialFetchFailure) in
            let number = counter.withLock { counter in
                counter += 1
                return counter
            }
            if number > 1 {
                renewalBegan.signal()
                try? await mayEnd.wait()
            }
            return AWSCredentials(
                accessKeyID: "key-\(number)", secretAccessKey: "s",
                expiresAt: Timestamp(milliseconds: time.now.milliseconds + 3_600_000))
        }
        #expect(try await cache.credentials().accessKeyID == "key-1")
        time.advance(seconds: 3500)
        for _ in 0..<100 { #expect(try await cache.credentials().accessKeyID == "key-1") }
        try await renewalBegan.wait()
        // Past their end the old ones are of no use: now there is something to wait for.
        time.advance(seconds: 200)
        let caller = Task { try await cache.credentials().accessKeyID }
        mayEnd.signal()
        #expect(try await caller.value == "key-2")
        #expect(counter.withLock { $0 } == 2)
    }

    @Test("A refusal makes the next call wait for new ones (S3-18)")
    func invalidation() async throws {
        let gate = Gate()
        gate.mayEnd.signal()
        let cache = cache(gate)
        let first = try await cache.credentials()
        cache.invalidate(first)
        cache.invalidate(first)
        #expect(try await cache.credentials().accessKeyID == "key-2")
        cache.invalidate(first)
        #expect(try await cache.credentials().accessKeyID == "key-2")
        #expect(gate.count == 2)
    }
}
