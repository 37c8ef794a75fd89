import Synchronization
import Testing

@testable import LinuxIO

@Suite struct EventLoopShutdownTests {
    @Test func queuedWorkRunsBeforeTheThreadEnds() throws {
        let loop = try EventLoop(name: "shutdown")
        let count = Atomic<Int>(0)
        for _ in 0..<1000 {
            loop.execute {
                loop.execute { count.add(1, ordering: .relaxed) }
            }
        }
        loop.shutdownAndWait()
        let loaded = count.load(ordering: .relaxed)
        #expect(loaded == 1000)
    }

    @Test func shutdownIsIdempotentAndMayComeFromTheLoop() async throws {
        let loop = try EventLoop(name: "shutdown")
        try await loop.perform {
            loop.shutdown()
            loop.shutdown()
        }
        loop.shutdownAndWait()
        loop.shutdownAndWait()
    }

    @Test func lateJobsStillRunAsTheLoop() async throws {
        let loop = try EventLoop(name: "shutdown")
        loop.shutdownAndWait()
        let isCurrent = try await loop.perform { loop.isCurrent }
        #expect(isCurrent)
        let task = Task(executorPreference: loop) {
            await Task.yield()
            return loop.isCurrent
        }
        #expect(await task.value)
    }

    @Test func registrationsAndTimersAreLetGo() async throws {
        let loop = try EventLoop(name: "shutdown")
        var pair = try SocketPair()
        let near = try pair.takeFirst()
        let number = near.rawValue
        let witness = Confined<Witness?>(Witness())
        let isGone = { [weak object = witness.value] in object == nil }
        let registration = try await loop.perform {
            let object = witness.value
            loop.schedule(after: .seconds(3600)) { withExtendedLifetime(object) {} }
            let handler = ClosureHandler { _ in withExtendedLifetime(object) {} }
            let made = try loop.register(
                descriptor: number, interest: .readable, handler: handler)
            witness.value = nil
            return Confined(made)
        }
        loop.shutdownAndWait()
        #expect(isGone())
        #expect(registration.value.isCancelled)
        registration.value.cancel()
        try near.close()
    }

    @Test func sleepEndsWithTheLoop() async throws {
        let loop = try EventLoop(name: "shutdown")
        let task = Task { try await loop.sleep(for: .seconds(3600)) }
        // Two round trips: the sleep is set, or will find the loop stopping.
        try await loop.perform {}
        loop.shutdown()
        await #expect(throws: CancellationError.self) { try await task.value }
        loop.shutdownAndWait()
        await #expect(throws: CancellationError.self) {
            try await loop.sleep(for: .milliseconds(1))
        }
    }
}

private final class Witness: Sendable {}
