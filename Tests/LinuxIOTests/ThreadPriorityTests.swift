import Foundation
import LinuxIO
import Synchronization
import Testing

struct ThreadPriorityTests {
    /// The nice value of the calling thread, by the kernel's word.
    private static func niceness() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8)
        else { return nil }
        // Behind the name, which may hold blanks, come the fields from the third on.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 16 ? Int(fields[16]) : nil
    }

    @Test func `a thread that was not lowered says so`() {
        #expect(ThreadPriority.normal.isInForce)
        #expect(!ThreadPriority.background.isInForce)
    }

    @Test(arguments: [(ThreadPriority.normal, 0), (.background, 10)])
    func `a loop and what it has done elsewhere have its priority`(
        _ priority: ThreadPriority, _ niceness: Int
    ) async throws {
        let own = try #require(Self.niceness())
        let loop = try EventLoop(name: "priority", priority: priority)
        let pool = BlockingPool(name: "priority", threadCount: 1)
        let task = Task(executorPreference: loop) {
            (Self.niceness(), try await pool.run { Self.niceness() })
        }
        let (onLoop, inPool) = try await task.value
        #expect(onLoop == own + niceness)
        #expect(inPool == own + niceness)
        let isInForce = await Task(executorPreference: loop) { priority.isInForce }.value
        #expect(isInForce)
        pool.shutdown()
        loop.shutdownAndWait()
    }

    @Test func `jobs of a background loop stand before nobody else's`() async throws {
        let loop = try EventLoop(name: "priority", priority: .background)
        let pool = BlockingPool(name: "priority", threadCount: 1, queueCapacity: 1)
        let gate = DispatchSemaphore(value: 0)
        let isHeld = Atomic(false)
        // One holds the thread of its kind, one fills the queue of its kind, one finds no room.
        let held = Task(executorPreference: loop) {
            try await pool.run {
                isHeld.store(true, ordering: .releasing)
                gate.wait()
            }
        }
        while !isHeld.load(ordering: .acquiring) { await Task.yield() }
        let waiting = Task(executorPreference: loop) { try await pool.run {} }
        let refused = Task(executorPreference: loop) { try await pool.run {} }
        await #expect(throws: BlockingPoolError<Never>.queueFull) { try await refused.value }
        #expect(try await pool.run { 7 } == 7)
        gate.signal()
        try await held.value
        try await waiting.value
        pool.shutdown()
        loop.shutdownAndWait()
    }
}
