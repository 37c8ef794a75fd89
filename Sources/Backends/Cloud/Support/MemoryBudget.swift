internal import BlobCore
internal import Synchronization

/// Bytes that may be in memory at once, lent as tickets in the order of asking.
final class MemoryBudget: Sendable {
    private struct Waiter {
        var number: UInt64
        var byteCount: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var freeByteCount: Int
        /// What is lent to reads ahead.
        var aheadByteCount = 0
        var waiters: [Waiter] = []
        var lastNumber: UInt64 = 0
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    /// All that there is to lend.
    let byteCount: Int
    private let state: Mutex<State>

    init(byteCount: Int) {
        self.byteCount = byteCount
        state = Mutex(State(freeByteCount: byteCount))
    }

    /// How much is not lent; for tests.
    var freeByteCount: Int { state.withLock { $0.freeByteCount } }

    /// Memory that is given back when the ticket ends, or goes.
    final class Ticket: Sendable {
        private let budget: MemoryBudget
        private let byteCount: Int
        private let isAhead: Bool
        private let isOver = Atomic(false)

        fileprivate init(_ budget: MemoryBudget, _ byteCount: Int, isAhead: Bool = false) {
            self.budget = budget
            self.byteCount = byteCount
            self.isAhead = isAhead
        }

        deinit { end() }

        /// Gives the memory back now: a frame that waits for more memory may keep the ticket that it
        /// passed on, for as long as it waits. Idempotent.
        func end() {
            guard !isOver.exchange(true, ordering: .relaxed) else { return }
            budget.giveBack(byteCount, isAhead: isAhead)
        }
    }

    /// A ticket if there is enough now and nobody waits.
    func tryTake(_ wantedByteCount: Int) -> Ticket? {
        let byteCount = clamped(wantedByteCount)
        let isTaken = state.withLock { state in
            guard state.waiters.isEmpty, state.freeByteCount >= byteCount else { return false }
            state.freeByteCount -= byteCount
            return true
        }
        return isTaken ? Ticket(self, byteCount) : nil
    }

    /// A ticket for what is read before anybody wants it, if there is enough now and nobody waits.
    ///
    /// A reader that is slow, or stands still, keeps it for as long as it likes; so that those who
    /// write find memory nevertheless, all of these together have at most half.
    func tryTakeAhead(_ wantedByteCount: Int) -> Ticket? {
        let byteCount = clamped(wantedByteCount)
        let isTaken = state.withLock { state in
            guard state.waiters.isEmpty, state.freeByteCount >= byteCount,
                state.aheadByteCount + byteCount <= self.byteCount / 2
            else { return false }
            state.freeByteCount -= byteCount
            state.aheadByteCount += byteCount
            return true
        }
        return isTaken ? Ticket(self, byteCount, isAhead: true) : nil
    }

    /// Waits for a ticket; more than all there is counts as all.
    ///
    /// - Throws: `cancelled` with its task.
    func take(_ wantedByteCount: Int) async throws(BlobError) -> Ticket {
        if let ticket = tryTake(wantedByteCount) { return ticket }
        let byteCount = clamped(wantedByteCount)
        let number = state.withLock { state in
            state.lastNumber &+= 1
            return state.lastNumber
        }
        let isTaken = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(Waiter(number: number, byteCount: byteCount, continuation: continuation))
            }
        } onCancel: {
            cancel(number)
        }
        // A cancellation that came when the ticket was lent already has left its number.
        state.withLock { state in _ = state.cancelled.remove(number) }
        guard isTaken else { throw BlobError.cancelled }
        return Ticket(self, byteCount)
    }

    private func clamped(_ wantedByteCount: Int) -> Int { min(max(0, wantedByteCount), byteCount) }

    private func wait(_ waiter: Waiter) {
        let outcome: Bool? = state.withLock { state in
            if state.cancelled.remove(waiter.number) != nil { return false }
            if state.waiters.isEmpty, state.freeByteCount >= waiter.byteCount {
                state.freeByteCount -= waiter.byteCount
                return true
            }
            state.waiters.append(waiter)
            return nil
        }
        if let outcome { waiter.continuation.resume(returning: outcome) }
    }

    private func cancel(_ number: UInt64) {
        let waiter: Waiter? = state.withLock { state in
            guard let position = state.waiters.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return nil
            }
            return state.waiters.remove(at: position)
        }
        waiter?.continuation.resume(returning: false)
        giveBack(0)
    }

    private func giveBack(_ byteCount: Int, isAhead: Bool = false) {
        let served: [Waiter] = state.withLock { state in
            state.freeByteCount += byteCount
            if isAhead { state.aheadByteCount -= byteCount }
            var served: [Waiter] = []
            while let first = state.waiters.first, state.freeByteCount >= first.byteCount {
                state.freeByteCount -= first.byteCount
                served.append(state.waiters.removeFirst())
            }
            return served
        }
        for waiter in served { waiter.continuation.resume(returning: true) }
    }
}
