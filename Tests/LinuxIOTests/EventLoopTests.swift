import Synchronization
import Testing

@testable import LinuxIO

@Suite struct EventLoopTests {
    @Test func closuresOfOneThreadRunInOrder() async throws {
        try await withLoop { loop in
            let seen = Confined<[Int]>([])
            for number in 0..<10_000 { loop.execute { seen.value.append(number) } }
            let result = try await loop.perform { seen.value }
            #expect(result == Array(0..<10_000))
        }
    }

    @Test func wakesAreCoalesced() async throws {
        try await withLoop { loop in
            let entered = Gate()
            let release = Gate()
            loop.execute {
                entered.open()
                release.wait()
            }
            entered.wait()
            let before = loop.wakeCount
            #expect(before <= 1)
            let count = Atomic<Int>(0)
            for _ in 0..<1000 { loop.execute { count.add(1, ordering: .relaxed) } }
            #expect(loop.wakeCount == before)
            release.open()
            try await loop.perform {}
            let loaded = count.load(ordering: .relaxed)
            #expect(loaded == 1000)
        }
    }

    @Test func enqueueOnTheLoopNeedsNoWake() async throws {
        try await withLoop { loop in
            let wakes: Int = try await loop.performUntilDone { done in
                let before = loop.wakeCount
                loop.execute { loop.execute { done(loop.wakeCount - before) } }
            }
            #expect(wakes == 0)
        }
    }

    @Test func manyThreadsEnqueue() async throws {
        try await withLoop { loop in
            let seen = Confined<[Int: [Int]]>([:])
            await withTaskGroup(of: Void.self) { group in
                for producer in 0..<8 {
                    group.addTask {
                        for number in 0..<500 {
                            loop.execute { seen.value[producer, default: []].append(number) }
                        }
                    }
                }
            }
            let result = try await loop.perform { seen.value }
            for producer in 0..<8 { #expect(result[producer] == Array(0..<500)) }
        }
    }

    @Test func isCurrentOnlyOnItsOwnThread() async throws {
        try await withLoop { loop in
            try await withLoop { other in
                #expect(!loop.isCurrent)
                let onFirst = try await loop.perform { loop.isCurrent && !other.isCurrent }
                let onSecond = try await other.perform { !loop.isCurrent && other.isCurrent }
                #expect(onFirst && onSecond)
            }
        }
    }

    @Test func actorRunsOnTheLoop() async throws {
        try await withLoop { loop in
            let counter = LoopActor(loop: loop)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 { group.addTask { await counter.increment() } }
                for await wasOnLoop in group { #expect(wasOnLoop) }
            }
            #expect(await counter.count == 100)
        }
    }

    @Test func plainCallbackMayAssumeActorIsolation() async throws {
        try await withLoop { loop in
            let counter = LoopActor(loop: loop)
            let onLoop: Bool = try await loop.performUntilDone { done in
                loop.schedule(after: .zero) {
                    done(counter.assumeIsolated { $0.incrementNow() })
                }
            }
            #expect(onLoop)
            #expect(await counter.count == 1)
        }
    }

    @Test func taskWithPreferenceStaysOnTheLoop() async throws {
        try await withLoop { loop in
            let counter = LoopActor(loop: loop)
            let task = Task(executorPreference: loop) {
                var answers = [loop.isCurrent]
                await Task.yield()
                answers.append(loop.isCurrent)
                answers.append(await counter.increment())
                answers.append(loop.isCurrent)
                await withTaskGroup(of: Bool.self) { group in
                    group.addTask { loop.isCurrent }
                    group.addTask { await concurrentlyOn(loop) }
                    for await answer in group { answers.append(answer) }
                }
                try await Task.sleep(for: .milliseconds(1))
                answers.append(loop.isCurrent)
                return answers
            }
            let answers = try await task.value
            #expect(answers == Array(repeating: true, count: 7))
        }
    }

    /// Each hop too many would cost as much again as the task itself.
    @Test func tasksAndActorsTakeNoNeedlessHops() async throws {
        try await withLoop { loop in
            let before = try await loop.perform { loop.onLoop.jobCount }
            await Task(executorPreference: loop) { _ = loop.isCurrent }.value
            let afterTask = try await loop.perform { loop.onLoop.jobCount }
            // The task and the closure that counts.
            #expect(afterTask - before == 2)
            let (first, second) = (LoopActor(loop: loop), LoopActor(loop: loop))
            let isRight = await Task(executorPreference: loop) {
                await first.incrementManyTimes(with: second)
            }.value
            #expect(isRight)
            let afterActors = try await loop.perform { loop.onLoop.jobCount }
            // The task with all its steps, and the counting.
            #expect(afterActors - afterTask == 2)
        }
    }

    /// A job that the runtime hands back while it runs goes on at once: through the queue, other work
    /// of the actor would run between a check and the wait that relies on it.
    @Test(arguments: [true, false])
    func waitsOfAnActorTakeNoNeedlessHops(prefersLoop: Bool) async throws {
        try await withLoop { loop in
            let actor = LoopActor(loop: loop)
            // The first run may guess wrong how such tasks have to be run.
            for isCounted in [false, true] {
                let before = try await loop.perform { loop.onLoop.jobCount }
                await Task(executorPreference: prefersLoop ? loop : nil) {
                    await actor.waitManyTimes()
                }.value
                let after = try await loop.perform { loop.onLoop.jobCount }
                // The task, or its step into the actor, and the counting.
                if isCounted { #expect(after - before == 2) }
            }
        }
    }

    @Test func aTaskStartedInlineRunsAtOnceAndComesBackWithoutAnotherThread() async throws {
        try await withLoop { loop in
            let actor = LoopActor(loop: loop)
            let counts = try await loop.perform { () -> [Int] in
                actor.assumeIsolated { actor in
                    let before = actor.count
                    actor.startInline()
                    return [before, actor.count]
                }
            }
            #expect(counts == [0, 1])
            await actor.finishInline()
            #expect(await actor.count == 2)
        }
    }

    @Test func jobsThatQueueJobsDoNotStarveReadiness() async throws {
        try await withLoop { loop in
            let running = Atomic<Bool>(true)
            let task = Task(executorPreference: loop) {
                while running.load(ordering: .relaxed) { await Task.yield() }
            }
            var pair = try SocketPair()
            let near = try pair.takeFirst()
            let far = try pair.takeSecond()
            let (nearNumber, farNumber) = (near.rawValue, far.rawValue)
            let timerFired: Bool = try await loop.performUntilDone { done in
                let fired = Confined(false)
                loop.schedule(after: .milliseconds(1)) {
                    fired.value = true
                    _ = sendBytes([1], to: SocketStream(descriptor: nearNumber))
                }
                let registration = Confined<Registration?>(nil)
                let handler = ClosureHandler { _ in
                    registration.value?.cancel()
                    done(fired.value)
                }
                registration.value = try loop.register(
                    descriptor: farNumber, interest: .readable, handler: handler)
            }
            running.store(false, ordering: .relaxed)
            await task.value
            #expect(timerFired)
            try near.close()
            try far.close()
        }
    }

    @Test func endOfTurnComesAfterTheJobsOfTheTurn() async throws {
        try await withLoop { loop in
            let order: [String] = try await loop.performUntilDone { done in
                let seen = Confined<[String]>([])
                loop.atEndOfTurn(
                    ClosureEndOfTurn {
                        seen.value.append("end")
                        loop.execute {
                            seen.value.append("next turn")
                            done(seen.value)
                        }
                    })
                loop.execute { seen.value.append("job") }
            }
            #expect(order == ["job", "end", "next turn"])
        }
    }

    @Test func endOfTurnHandlerMayAskAgain() async throws {
        try await withLoop { loop in
            let handler = RepeatingEndOfTurn(loop: loop)
            let calls: Int = try await loop.performUntilDone { done in
                handler.onThird = { done(handler.calls) }
                loop.atEndOfTurn(handler)
            }
            #expect(calls == 3)
        }
    }

    @Test func nowIsTheSameThroughATurn() async throws {
        try await withLoop { loop in
            let (first, second) = try await loop.perform {
                let first = loop.now()
                let spinStart = ContinuousClock.now
                while ContinuousClock.now - spinStart < .microseconds(50) {}
                return (first, loop.now())
            }
            #expect(first == second)
            let later = try await loop.perform { loop.now() }
            #expect(later >= first)
        }
    }
}

/// Leaves its caller's context and runs where the task prefers.
@concurrent private func concurrentlyOn(_ loop: EventLoop) async -> Bool { loop.isCurrent }

private actor LoopActor {
    nonisolated let loop: EventLoop
    var count = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop) { self.loop = loop }

    func increment() -> Bool { incrementNow() }

    func incrementManyTimes(with other: LoopActor) async -> Bool {
        for _ in 0..<10 { guard await other.increment() else { return false } }
        return incrementNow()
    }

    private var inline: Task<Void, Never>?
    private var waiter: UnsafeContinuation<Void, Never>?

    func startInline() {
        loop.startInline {
            inline = Task.immediate(executorPreference: loop) {
                _ = self.incrementNow()
                await withUnsafeContinuation { self.waiter = $0 }
                _ = self.incrementNow()
            }
        }
    }

    func finishInline() async {
        waiter?.resume()
        await inline?.value
    }

    func waitManyTimes() async {
        for _ in 0..<10 { await Self.waitForNothing() }
    }

    private nonisolated static func waitForNothing() async {
        await withUnsafeContinuation { $0.resume() }
    }

    func incrementNow() -> Bool {
        count += 1
        return loop.isCurrent
    }
}

private final class RepeatingEndOfTurn: EndOfTurnHandler, @unchecked Sendable {
    // @unchecked: touched on the loop only.
    let loop: EventLoop
    var calls = 0
    var onThird: () -> Void = {}

    init(loop: EventLoop) { self.loop = loop }

    func endOfTurn() {
        calls += 1
        if calls == 3 { onThird() } else { loop.atEndOfTurn(self) }
    }
}
