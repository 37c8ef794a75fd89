import Testing

@testable import LinuxIO

@Suite struct TimerTests {
    @Test func timersFireInOrderOfTheirDeadlines() async throws {
        try await withLoop { loop in
            let order: [Int] = try await loop.performUntilDone { done in
                let seen = Confined<[Int]>([])
                for delay in [5, 1, 3, 2, 4] {
                    loop.schedule(after: .milliseconds(delay)) { seen.value.append(delay) }
                }
                loop.schedule(after: .milliseconds(8)) { done(seen.value) }
            }
            #expect(order == [1, 2, 3, 4, 5])
        }
    }

    @Test func timersAreNeverEarly() async throws {
        try await withLoop { loop in
            for microseconds in [1, 100, 999, 1001, 2500] {
                let start = ContinuousClock.now
                let end: ContinuousClock.Instant = try await loop.performUntilDone { done in
                    loop.schedule(after: .microseconds(microseconds)) {
                        done(ContinuousClock.now)
                    }
                }
                #expect(end - start >= .microseconds(microseconds))
            }
        }
    }

    @Test func cancelledTimerDoesNotFireAndLetsGo() async throws {
        try await withLoop { loop in
            let fired: [String] = try await loop.performUntilDone { done in
                let seen = Confined<[String]>([])
                var held: Confined<Int>? = Confined(0)
                let first = loop.schedule(after: .milliseconds(1)) { [held] in
                    held?.value += 1
                    seen.value.append("first")
                }
                weak let witness = held
                held = nil
                #expect(witness != nil)
                loop.cancel(first)
                loop.cancel(first)
                #expect(witness == nil)
                // Takes the slot of the first; the old token must not reach it.
                loop.schedule(after: .milliseconds(2)) { seen.value.append("second") }
                loop.cancel(first)
                loop.schedule(after: .milliseconds(3)) { done(seen.value) }
            }
            #expect(fired == ["second"])
        }
    }

    @Test func timerMayCancelAnotherThatIsDueToo() async throws {
        try await withLoop { loop in
            let fired: [String] = try await loop.performUntilDone { done in
                let seen = Confined<[String]>([])
                let second = Confined<TimerToken?>(nil)
                loop.schedule(after: .zero) {
                    seen.value.append("first")
                    if let token = second.value { loop.cancel(token) }
                }
                second.value = loop.schedule(after: .zero) { seen.value.append("second") }
                loop.schedule(after: .milliseconds(2)) { done(seen.value) }
            }
            #expect(fired == ["first"])
        }
    }

    @Test func heapKeepsOrderUnderRandomInsertAndCancel() {
        var heap = TimerHeap()
        var expected: [(deadline: Int64, number: Int)] = []
        let fired = Confined<[Int]>([])
        var generator = SeededGenerator(state: 42)
        var tokens: [(TimerToken, Int)] = []
        for number in 0..<2000 {
            let deadline = Int64.random(in: 0..<500, using: &generator)
            tokens.append((heap.insert(deadline: deadline) { fired.value.append(number) }, number))
            expected.append((deadline, number))
            if Bool.random(using: &generator) {
                let index = Int.random(in: 0..<tokens.count, using: &generator)
                let (token, cancelled) = tokens.remove(at: index)
                #expect(heap.cancel(token) != nil)
                #expect(heap.cancel(token) == nil)
                expected.removeAll { $0.number == cancelled }
            }
        }
        #expect(heap.count == expected.count)
        while let body = heap.popDue(at: 1000, before: .max) { body() }
        // Equal deadlines fire in the order in which they were set.
        let order = expected.sorted { ($0.deadline, $0.number) < ($1.deadline, $1.number) }
        #expect(fired.value == order.map(\.number))
        #expect(heap.nextDeadline == nil)
    }

    @Test func zeroDelayTimerThatSetsItselfDoesNotStopTheLoop() async throws {
        try await withLoop { loop in
            let repeating = Confined<(() -> Void)?>(nil)
            try await loop.perform {
                repeating.value = { [unowned repeating] in
                    loop.schedule(after: .zero) { repeating.value?() }
                }
                repeating.value?()
            }
            for _ in 0..<10 { try await loop.perform {} }
            try await loop.perform { repeating.value = nil }
            try await loop.perform {}
        }
    }

    @Test func sleepEndsAfterItsTimeOrByCancellation() async throws {
        try await withLoop { loop in
            let start = ContinuousClock.now
            try await loop.sleep(for: .milliseconds(2))
            #expect(ContinuousClock.now - start >= .milliseconds(2))
            let task = Task { try await loop.sleep(for: .seconds(3600)) }
            try await loop.perform {}
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func durationsAreRoundedUpAndClamped() {
        #expect(Duration.nanoseconds(1500).nanosecondsRoundedUp == 1500)
        #expect(
            Duration(secondsComponent: 0, attosecondsComponent: 1).nanosecondsRoundedUp == 1)
        #expect(Duration.seconds(-1).nanosecondsRoundedUp == 0)
        #expect(Duration.seconds(Int64.max).nanosecondsRoundedUp == .max)
    }
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
