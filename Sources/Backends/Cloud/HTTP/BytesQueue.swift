internal import BlobCore

/// Pieces of a body in order, first in first out.
struct BytesQueue {
    private var pieces: [Bytes] = []
    private var head = 0
    /// The bytes of all pieces together.
    private(set) var byteCount = 0

    var isEmpty: Bool { head == pieces.count }

    var first: Bytes? { isEmpty ? nil : pieces[head] }

    mutating func append(_ piece: Bytes) {
        byteCount &+= piece.count
        pieces.append(piece)
    }

    mutating func popFirst() -> Bytes? {
        guard head < pieces.count else { return nil }
        let piece = pieces[head]
        pieces[head] = Bytes()
        head += 1
        byteCount &-= piece.count
        if head == pieces.count {
            pieces.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 32, head * 2 >= pieces.count {
            pieces.removeFirst(head)
            head = 0
        }
        return piece
    }

    /// Copies from the front until `target` is full or the queue empty; the count copied.
    mutating func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < target.count, let piece = first {
            let taken = Swift.min(piece.count, target.count - count)
            piece.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: target[count..<(count + taken)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<taken]))
            }
            count += taken
            if taken == piece.count {
                _ = popFirst()
            } else {
                pieces[head] = piece.dropFirst(taken)
                byteCount &-= taken
            }
        }
        return count
    }
}
