/// A first-in first-out queue that reuses its storage, so a steady state allocates nothing.
struct RingBuffer<Element> {
    private var storage: [Element?]
    private var head = 0
    private(set) var count = 0

    init(minimumCapacity: Int = 16) {
        var capacity = 16
        while capacity < minimumCapacity { capacity *= 2 }
        storage = Array(repeating: nil, count: capacity)
    }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) {
        if count == storage.count { grow() }
        storage[(head + count) & (storage.count - 1)] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = storage[head].take()
        head = (head + 1) & (storage.count - 1)
        count -= 1
        return element
    }

    /// Removes the first element that matches; the others keep their order.
    mutating func removeFirst(where matches: (Element) -> Bool) -> Bool {
        let mask = storage.count - 1
        for offset in 0..<count {
            guard let element = storage[(head + offset) & mask], matches(element) else { continue }
            for later in offset..<(count - 1) {
                storage[(head + later) & mask] = storage[(head + later + 1) & mask]
            }
            storage[(head + count - 1) & mask] = nil
            count -= 1
            return true
        }
        return false
    }

    private mutating func grow() {
        // Capacity stays a power of two, so that wrapping is a mask.
        var larger: [Element?] = []
        larger.reserveCapacity(storage.count * 2)
        for offset in 0..<count { larger.append(storage[(head + offset) & (storage.count - 1)]) }
        larger.append(contentsOf: repeatElement(nil, count: storage.count * 2 - count))
        storage = larger
        head = 0
    }
}
