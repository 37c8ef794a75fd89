import Synchronization
import Testing

@testable import LinuxIO

@Suite struct BlockingPoolTests {
    @Test func thousandConcurrentRuns() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 4, queueCapacity: 1000)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1000 { group.addTask { try await pool.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499_500)
        pool.shutdownAndWait()
    }

    @Test func resumesOnTheCallersLoop() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 1)
        try await withLoop { loop in
            let task = Task(executorPreference: loop) {
                let jobOnLoop = try await pool.run { loop.isCurrent }
                return !jobOnLoop && loop.isCurrent
            }
            let isRight = try await task.value
            #expect(isRight)
        }
    }

    @Test func jobErrorsKeepTheirType() async {
        struct Broken: Error, Equatable {}
        let pool = BlockingPool(name: "pool")
        do throws(BlockingPoolError<Broken>) {
            _ = try await pool.run { () throws(Broken) -> Int in throw Broken() }
            Issue.record("did not throw")
        } catch {
            #expect(error == .failed(Broken()))
        }
    }

    @Test func fullQueueSaysSo() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 1, queueCapacity: 2)
        let (entered, release) = (Gate(), Gate())
        try pool.submit {
            entered.open()
            release.wait()
        }
        entered.wait()
        try pool.submit {}
        try pool.submit {}
        #expect(throws: BlockingPoolError<Never>.queueFull) { try pool.submit {} }
        await #expect(throws: BlockingPoolError<Never>.queueFull) { try await pool.run {} }
        release.open()
        pool.shutdownAndWait()
    }

    @Test func waitingJobIsCancelledAndLeavesTheQueue() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 1, queueCapacity: 1)
        let (entered, release) = (Gate(), Gate())
        try pool.submit {
            entered.open()
            release.wait()
        }
        entered.wait()
        let hasRun = Atomic<Bool>(false)
        let task = Task { try await pool.run { hasRun.store(true, ordering: .relaxed) } }
        task.cancel()
        _ = await #expect(throws: BlockingPoolError<Never>.cancelled) { try await task.value }
        // Its place is free although the only thread is still busy.
        try pool.submit {}
        release.open()
        pool.shutdownAndWait()
        let loaded = hasRun.load(ordering: .relaxed)
        #expect(!loaded)
    }

    @Test func runningJobIsNotCancelled() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 1)
        let (entered, release) = (Gate(), Gate())
        let task = Task {
            try await pool.run {
                entered.open()
                release.wait()
                return 42
            }
        }
        entered.wait()
        task.cancel()
        release.open()
        #expect(try await task.value == 42)
    }

    @Test func cancellationRacesWithTheJob() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 2)
        for _ in 0..<500 {
            let task = Task { try await pool.run { 1 } }
            task.cancel()
            switch await task.result {
            case .success(let value): #expect(value == 1)
            case .failure(let error):
                #expect(error as? BlockingPoolError<Never> == .cancelled)
            }
        }
        pool.shutdownAndWait()
    }

    @Test func shutdownDrainsAndRefuses() async throws {
        let pool = BlockingPool(name: "pool", threadCount: 2)
        let count = Atomic<Int>(0)
        for _ in 0..<100 { try pool.submit { count.add(1, ordering: .relaxed) } }
        pool.shutdownAndWait()
        let loaded = count.load(ordering: .relaxed)
        #expect(loaded == 100)
        #expect(throws: BlockingPoolError<Never>.shutDown) { try pool.submit {} }
        pool.shutdownAndWait()
    }

    @Test func unusedPoolShutsDown() {
        BlockingPool(name: "pool").shutdownAndWait()
    }

    @Test func ringBufferKeepsOrderThroughGrowthAndRemoval() {
        var ring = RingBuffer<Int>()
        for number in 0..<10 { ring.append(number) }
        for expected in 0..<8 { #expect(ring.popFirst() == expected) }
        for number in 10..<60 { ring.append(number) }
        #expect(ring.removeFirst { $0 == 30 })
        #expect(!ring.removeFirst { $0 == 30 })
        var rest: [Int] = []
        while let number = ring.popFirst() { rest.append(number) }
        #expect(rest == (8..<60).filter { $0 != 30 })
        #expect(ring.isEmpty)
    }
}
