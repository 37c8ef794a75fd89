public import BlobCore

/// What a DATA frame carries: bytes in memory, or on the server a region of a file that the kernel
/// copies to the socket itself.
public protocol OutboundPayload: Sendable {
    /// The number of bytes left.
    var byteCount: Int { get }
    /// Splits the first `byteCount` bytes off.
    mutating func takePrefix(_ byteCount: Int) -> Self
}

extension Bytes: OutboundPayload {
    /// The number of bytes.
    public var byteCount: Int { count }

    /// Splits the first `byteCount` bytes off, without copying.
    public mutating func takePrefix(_ byteCount: Int) -> Bytes {
        defer { self = dropFirst(byteCount) }
        return prefix(byteCount)
    }
}

/// Frames to write, in order: the caller writes all of it before it takes the next batch.
public struct OutboundBatch<Payload: OutboundPayload>: Sendable {
    /// A run of bytes to write.
    public enum Segment: Sendable {
        /// A slice of `inline`: headers and small frames.
        case inline(Range<Int>)
        /// The bytes of a DATA frame.
        case payload(Payload)
    }

    /// Headers and small frames, one behind the other.
    public var inline: Bytes
    /// What to write, in order.
    public var segments: [Segment]
    /// Streams whose queue has room again.
    public var drainedStreams: [UInt32]

    /// Whether there is nothing to write.
    public var isEmpty: Bool { segments.isEmpty }
}

/// A first-in first-out queue whose `popFirst` is cheap.
struct FIFO<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }

    var first: Element? {
        get { head < elements.count ? elements[head] : nil }
        set {
            guard head < elements.count else { return }
            elements[head] = newValue
        }
    }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            // Amortised: each element is moved at most once per doubling of the queue.
            if head == elements.count {
                elements.removeAll(keepingCapacity: elements.capacity <= 1024)
                head = 0
            } else if head >= 64, head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }

    mutating func removeAll() {
        elements.removeAll()
        head = 0
    }
}

/// One thing queued in the bulk lane of a stream.
enum BulkItem<Payload: OutboundPayload>: Sendable {
    /// Bytes to cut into DATA frames; `offset` is where the rest begins in the blob.
    case data(Payload, offset: UInt64?)
    /// An empty DATA frame with END: the request body is whole.
    case endOfData
    /// The trailer, which must not overtake the data.
    case trailer(Bytes)
}
