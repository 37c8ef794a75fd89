public import BlobCore

/// What a DATA frame carries.
///
/// One concrete type for both ends: the machine is in the way of every call, and as a generic it was
/// not specialised across modules, which cost a tenth of the server's time.
public enum OutboundPayload: Sendable {
    /// Bytes in memory.
    case bytes(Bytes)
    /// On the server: a region of a file that the kernel copies to the socket itself.
    case file(FileRegion)

    /// The number of bytes left.
    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(let region): region.byteCount
        }
    }

    /// Splits the first `prefixByteCount` bytes off, without copying.
    public mutating func takePrefix(_ prefixByteCount: Int) -> OutboundPayload {
        switch self {
        case .bytes(let bytes):
            self = .bytes(bytes.dropFirst(prefixByteCount))
            return .bytes(bytes.prefix(prefixByteCount))
        case .file(var region):
            let prefix = region.takePrefix(prefixByteCount)
            self = .file(region)
            return .file(prefix)
        }
    }
}

/// A region of an open file. To the machine it is a number of bytes; whoever writes knows the rest.
public struct FileRegion: Sendable {
    /// The descriptor, valid while `owner` lives.
    public let descriptor: Int32
    /// Where the region begins.
    public private(set) var offset: UInt64
    /// How long it is.
    public private(set) var byteCount: Int
    /// Keeps the descriptor open.
    public let owner: any AnyObject & Sendable

    /// A region from its parts.
    public init(
        descriptor: Int32, offset: UInt64, byteCount: Int, owner: any AnyObject & Sendable
    ) {
        self.descriptor = descriptor
        self.offset = offset
        self.byteCount = byteCount
        self.owner = owner
    }

    mutating func takePrefix(_ prefixByteCount: Int) -> FileRegion {
        let taken = min(prefixByteCount, byteCount)
        let prefix = FileRegion(
            descriptor: descriptor, offset: offset, byteCount: taken, owner: owner)
        offset &+= UInt64(taken)
        byteCount -= taken
        return prefix
    }
}

/// Frames to write, in order: the caller writes all of it before it takes the next batch.
public struct OutboundBatch: Sendable {
    /// A run of bytes to write.
    public enum Segment: Sendable {
        /// A slice of `inline`: headers and small frames.
        case inline(Range<Int>)
        /// The bytes of a DATA frame.
        case payload(OutboundPayload)
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
enum BulkItem: Sendable {
    /// Bytes to cut into DATA frames; `offset` is where the rest begins in the blob.
    case data(OutboundPayload, offset: UInt64?)
    /// An empty DATA frame with END: the request body is whole.
    case endOfData
    /// The trailer, which must not overtake the data.
    case trailer(Bytes)
}
