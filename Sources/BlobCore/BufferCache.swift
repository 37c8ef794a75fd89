internal import Synchronization

/// Keeps a few large buffers that were let go, for the next who needs one.
///
/// A body passes in buffers of 64 KiB to 1 MiB that live for a moment. Fresh memory has to be mapped
/// and touched page by page, which costs time. What the cache gains has not been measured on its own.
enum BufferCache {
    /// Smaller buffers are malloc's business.
    private static let minimumByteCount = 64 << 10
    /// What the cache holds at most; more is given back to malloc.
    private static let maximumHeldByteCount = 16 << 20

    private struct Held: ~Copyable {
        var buffers: [UnsafeMutableRawBufferPointer] = []
        var byteCount = 0
    }

    /// A buffer in the list belongs to nobody else. Addresses cross the lock as numbers, because raw
    /// pointers may not.
    private static let held = Mutex(Held())

    /// A buffer of exactly `byteCount` bytes, uninitialised.
    static func take(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        if byteCount >= minimumByteCount, let buffer = takeHeld(byteCount: byteCount) {
            return buffer
        }
        return .allocate(byteCount: byteCount, alignment: 16)
    }

    /// Only a buffer of the very size is used: bodies come in frames of one size, and a larger one
    /// would hide memory from the accounts.
    private static func takeHeld(byteCount: Int) -> UnsafeMutableRawBufferPointer? {
        let base = held.withLock { held -> UInt? in
            guard let index = held.buffers.lastIndex(where: { $0.count == byteCount }) else {
                return nil
            }
            held.byteCount -= byteCount
            held.buffers.swapAt(index, held.buffers.count - 1)
            return held.buffers.removeLast().baseAddress.map { UInt(bitPattern: $0) }
        }
        return base.map {
            UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: $0), count: byteCount)
        }
    }

    /// Takes back what `take` gave.
    static func giveBack(_ buffer: UnsafeMutableRawBufferPointer) {
        guard buffer.count >= minimumByteCount else {
            buffer.deallocate()
            return
        }
        let base = UInt(bitPattern: buffer.baseAddress)
        let byteCount = buffer.count
        guard byteCount <= maximumHeldByteCount else {
            buffer.deallocate()
            return
        }
        let evicted = held.withLock { held in
            held.byteCount += byteCount
            held.buffers.append(
                UnsafeMutableRawBufferPointer(
                    start: UnsafeMutableRawPointer(bitPattern: base), count: byteCount))
            // The oldest goes first: sizes that nobody asks for any more do not fill the cache.
            var evicted: [UInt] = []
            while held.byteCount > maximumHeldByteCount {
                let oldest = held.buffers.removeFirst()
                held.byteCount -= oldest.count
                evicted.append(UInt(bitPattern: oldest.baseAddress))
            }
            return evicted
        }
        for base in evicted { UnsafeMutableRawPointer(bitPattern: base)?.deallocate() }
    }
}
