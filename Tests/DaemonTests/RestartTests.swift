import BlobCore
import BlobRPCClient
import Synchronization
import TestKit
import Testing

/// A restart under a service manager that keeps the socket: nobody is refused.
@Suite(.timeLimit(.minutes(5))) struct RestartTests {
    /// Gets, heads and lists are repeated by the client; a put that the old server has not begun is
    /// refused as such (W-56) and repeated, too.
    @Test func `W-56 W-61 a burst of calls across three restarts loses none`() async throws {
        let manager = try Manager(["socket"])
        var server = try await manager.start()
        let client = try await BlobClient.connect(path: server.socketPath)
        let uri = try BlobURI(parsing: "file://\(manager.rootPath)/blob")
        let body = SeededBody(seed: 5, byteCount: 300_000).bytes
        _ = try await client.put(uri, body)
        let progress = Progress()
        let calls = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        let own = try BlobURI(parsing: "\(uri)-\(worker)")
                        var round: UInt64 = 0
                        while !progress.isOver {
                            let text = Bytes(utf8: "\(worker) \(round)")
                            _ = try await client.put(own, text)
                            #expect(try await client.get(own) == text)
                            #expect(try await client.get(uri) == body)
                            round += 1
                            progress.add()
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        for _ in 0..<3 {
            await progress.rounds(100)
            server.kill(15)
            #expect(await server.waitUntilExit() == 0)
            // Meanwhile clients wait in the queue of the socket.
            server = try await manager.start()
        }
        await progress.rounds(100)
        progress.end()
        try await calls.value
        await client.close()
        server.kill(15)
        #expect(await server.waitUntilExit() == 0)
    }
}

/// How far the callers have come.
private final class Progress: Sendable {
    private struct State {
        var count = 0
        var isOver = false
        var goal: (count: Int, waiter: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())

    var isOver: Bool { state.withLock { $0.isOver } }

    func add() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.count += 1
            guard let goal = state.goal, state.count >= goal.count else { return nil }
            state.goal = nil
            return goal.waiter
        }
        waiter?.resume()
    }

    func end() { state.withLock { $0.isOver = true } }

    /// Waits until so many more rounds of calls have ended.
    func rounds(_ count: Int) async {
        await withCheckedContinuation { waiter in
            state.withLock { $0.goal = ($0.count + count, waiter) }
        }
    }
}
