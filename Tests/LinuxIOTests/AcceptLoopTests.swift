import Glibc
import Synchronization
import Testing

@testable import LinuxIO

@Suite struct AcceptLoopTests {
    @Test func acceptsMoreThanOneTurnTakes() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        try await withLoop { loop in
            let listener = try UnixListener.bind(path: path)
            let clients = Confined<[Int32]>([])
            for _ in 0..<20 { clients.value.append(try connectUnix(path: path).release()) }
            let count: Int = try await loop.performUntilDone { done in
                let count = Confined(0)
                let acceptLoop = Confined<AcceptLoop?>(nil)
                acceptLoop.value = try AcceptLoop(
                    loop: loop, listener: listener, acceptsPerTurnMax: 3
                ) { event in
                    guard case .connection = consume event else { return done(-1) }
                    count.value += 1
                    guard count.value == 20 else { return }
                    acceptLoop.value?.cancel()
                    acceptLoop.value?.cancel()
                    done(count.value)
                }
            }
            #expect(count == 20)
            for client in clients.value { _ = OwnedDescriptor(owning: client) }
        }
    }

    @Test func recoversWhenDescriptorsRunOut() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let exhausted = Script([-Int(EMFILE), -Int(ENFILE)])
        let attempts = Atomic<Int>(0)
        var calls = SystemCalls.live
        calls.accept = { listener in
            attempts.add(1, ordering: .relaxed)
            return exhausted.next() ?? SystemCalls.live.accept(listener)
        }
        let listener = try UnixListener.bind(path: path, systemCalls: calls)
        try await withLoop(systemCalls: calls) { loop in
            let client = try connectUnix(path: path)
            let events: [String] = try await loop.performUntilDone { done in
                let events = Confined<[String]>([])
                let acceptLoop = Confined<AcceptLoop?>(nil)
                acceptLoop.value = try AcceptLoop(
                    loop: loop, listener: listener, pauseDuration: .milliseconds(2)
                ) { event in
                    switch consume event {
                    case .connection: events.value.append("connection")
                    case .paused(let errorNumber):
                        events.value.append("paused \(errorNumber)")
                        if acceptLoop.value?.isPaused != true { events.value.append("not paused") }
                    case .failed: events.value.append("failed")
                    }
                    guard events.value.count == 3 else { return }
                    acceptLoop.value?.cancel()
                    done(events.value)
                }
            }
            #expect(events == ["paused \(EMFILE)", "paused \(ENFILE)", "connection"])
            // The pause is real: the level-triggered listener did not spin meanwhile.
            let loaded = attempts.load(ordering: .relaxed)
            #expect(loaded == 3)
            try client.close()
        }
    }

    @Test func stoppedListenerIsAFailure() async throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixListener.bind(path: directory.file("socket"))
        try await withLoop { loop in
            let failed: Bool = try await loop.performUntilDone { done in
                _ = try AcceptLoop(loop: loop, listener: listener) { event in
                    if case .failed = consume event { done(true) } else { done(false) }
                }
                listener.stopListening()
            }
            #expect(failed)
        }
    }
}

@Suite struct ConnectTests {
    @Test func fullBacklogIsWaitedFor() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let listener = try UnixListener.bind(path: path, backlog: 0)
        let first = try connectUnix(path: path)
        // One more waits in the kernel or here until the first is accepted.
        let timedOut = SystemError(errorNumber: ETIMEDOUT, operation: "connect")
        #expect(throws: timedOut) {
            _ = try connectUnix(path: path, timeout: .milliseconds(10))
        }
        try await withLoop { loop in
            await #expect(throws: timedOut) {
                _ = try await loop.connectUnix(path: path, timeout: .milliseconds(10))
            }
            let task = Task {
                try await loop.connectUnix(path: path, timeout: .seconds(300)).release()
            }
            if case .connection = listener.accept() {} else { Issue.record("nobody waits") }
            _ = OwnedDescriptor(owning: try await task.value)
        }
        try first.close()
    }

    @Test func injectedFullBacklogAndInterrupts() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let listener = try UnixListener.bind(path: path)
        let script = Script([
            -Int(EAGAIN), -Int(EINTR), -Int(EINTR), -Int(EINTR), -Int(EAGAIN), nil,
        ])
        var calls = SystemCalls.live
        calls.connect = { socket, path in
            script.next() ?? SystemCalls.live.connect(socket, path)
        }
        try await withLoop(systemCalls: calls) { loop in
            // No limit to speak of: the script has to be played out, and on a machine that is busy
            // with other tests each step may wait minutes for its thread.
            _ = try await loop.connectUnix(path: path, timeout: .seconds(36_000))
        }
        #expect(script.remaining == 0)
        #expect(listener.removePath())
    }

    @Test func missingAndInvalidPaths() async throws {
        let directory = try TemporaryDirectory()
        let missing = SystemError(errorNumber: ENOENT, operation: "connect")
        #expect(throws: missing) { _ = try connectUnix(path: directory.file("socket")) }
        #expect(throws: SystemError.self) { _ = try connectUnix(path: "") }
    }

    @Test func cancelledWhileWaiting() async throws {
        var calls = SystemCalls.live
        calls.connect = { _, _ in -Int(EAGAIN) }
        try await withLoop(systemCalls: calls) { loop in
            let task = Task {
                try await loop.connectUnix(path: "/nowhere", timeout: .seconds(60)).release()
            }
            task.cancel()
            let cancelled = SystemError(errorNumber: ECANCELED, operation: "connect")
            _ = await #expect(throws: cancelled) { try await task.value }
        }
    }
}
