/// Names one scheduled timer. Harmless once the timer has fired or was cancelled.
public struct TimerToken: Sendable, Hashable {
    let slot: Int
    let sequence: UInt64
}

/// The timers of one loop: a binary heap whose entries know their place, so that a cancelled
/// timer leaves at once, with whatever its closure held.
struct TimerHeap {
    private struct Entry {
        var deadline: Int64
        var sequence: UInt64
        var slot: Int

        func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
        }
    }

    private struct Slot {
        var position: Int
        var sequence: UInt64
        var body: (() -> Void)?
    }

    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var nextSequence: UInt64 = 1

    var count: Int { heap.count }

    /// When the next timer is due, in monotonic nanoseconds.
    var nextDeadline: Int64? { heap.first?.deadline }

    /// The sequence number that the next insertion will get.
    var sequenceBoundary: UInt64 { nextSequence }

    mutating func insert(deadline: Int64, _ body: @escaping () -> Void) -> TimerToken {
        let sequence = nextSequence
        nextSequence += 1
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = Slot(position: heap.count, sequence: sequence, body: body)
        } else {
            slot = slots.count
            slots.append(Slot(position: heap.count, sequence: sequence, body: body))
        }
        heap.append(Entry(deadline: deadline, sequence: sequence, slot: slot))
        siftUp(heap.count - 1)
        return TimerToken(slot: slot, sequence: sequence)
    }

    /// Removes the timer and returns its closure; nil if it has fired or was cancelled before.
    ///
    /// Returned, so that what the closure holds is let go outside of this call: a deinit there
    /// may come back to set or cancel other timers.
    mutating func cancel(_ token: TimerToken) -> (() -> Void)? {
        guard token.slot < slots.count, slots[token.slot].sequence == token.sequence else {
            return nil
        }
        return remove(at: slots[token.slot].position)
    }

    /// The closure of the earliest timer due at `time`, unless it is as young as `boundary`:
    /// a timer that sets itself again with no delay must not keep the turn from ending.
    mutating func popDue(at time: Int64, before boundary: UInt64) -> (() -> Void)? {
        guard let first = heap.first, first.deadline <= time, first.sequence < boundary else {
            return nil
        }
        return remove(at: 0)
    }

    private mutating func remove(at position: Int) -> (() -> Void)? {
        let slot = heap[position].slot
        let body = slots[slot].body.take()
        slots[slot].sequence = 0
        freeSlots.append(slot)
        let last = heap.removeLast()
        if position < heap.count {
            place(last, at: position)
            siftDown(position)
            siftUp(position)
        }
        return body
    }

    private mutating func place(_ entry: Entry, at position: Int) {
        heap[position] = entry
        slots[entry.slot].position = position
    }

    private mutating func siftUp(_ start: Int) {
        var position = start
        let entry = heap[position]
        while position > 0 {
            let parent = (position - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            place(heap[parent], at: position)
            position = parent
        }
        place(entry, at: position)
    }

    private mutating func siftDown(_ start: Int) {
        var position = start
        let entry = heap[position]
        while true {
            var child = position * 2 + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            place(heap[child], at: position)
            position = child
        }
        place(entry, at: position)
    }
}
