/// The live registrations of a loop, found by slot and generation.
struct RegistrationTable {
    private struct Slot {
        var generation: UInt32
        var registration: Registration?
    }

    private var slots: [Slot] = []
    private var freeSlots: [Int] = []

    /// The token that the next call of `insert` will store its registration under.
    mutating func reserve() -> UInt64 {
        if freeSlots.isEmpty {
            // The last slot number is the loop's own eventfd.
            precondition(slots.count < Int(UInt32.max), "too many registrations")
            freeSlots.append(slots.count)
            slots.append(Slot(generation: 0, registration: nil))
        }
        let slot = freeSlots[freeSlots.count - 1]
        return UInt64(slots[slot].generation) << 32 | UInt64(slot)
    }

    mutating func insert(_ registration: Registration) {
        let slot = freeSlots.removeLast()
        assert(UInt64(slot) == registration.token & 0xffff_ffff, "insert without reserve")
        slots[slot].registration = registration
    }

    mutating func remove(token: UInt64) {
        let slot = Int(token & 0xffff_ffff)
        slots[slot].registration = nil
        slots[slot].generation &+= 1
        freeSlots.append(slot)
    }

    func find(token: UInt64) -> Registration? {
        let slot = Int(token & 0xffff_ffff)
        guard slot < slots.count, slots[slot].generation == UInt32(token >> 32) else { return nil }
        return slots[slot].registration
    }

    mutating func removeAll() -> [Registration] {
        let live = slots.compactMap { slot in slot.registration }
        for registration in live { remove(token: registration.token) }
        return live
    }
}
