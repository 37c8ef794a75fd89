internal import Glibc

/// An immutable run of bytes, shared by reference: slicing and passing it on never copies.
///
/// This is the currency of every body in the project. A chunk is received from a socket or a disk
/// into one allocation and stays there until the last holder lets go.
public struct Bytes: Sendable {
    let storage: ByteStorage
    let lowerBound: Int
    let upperBound: Int

    init(storage: ByteStorage, lowerBound: Int, upperBound: Int) {
        self.storage = storage
        self.lowerBound = lowerBound
        self.upperBound = upperBound
    }

    /// No bytes at all.
    public init() {
        self.init(storage: ByteStorage.empty, lowerBound: 0, upperBound: 0)
    }

    /// Copies `source`.
    public init(copying source: UnsafeRawBufferPointer) {
        self.init(capacity: source.count) { target in
            target.copyMemory(from: source)
            return source.count
        }
    }

    /// Copies the elements of `array`.
    public init(_ array: [UInt8]) {
        self = array.withUnsafeBytes { Bytes(copying: $0) }
    }

    /// Copies the UTF-8 of `text`.
    public init(utf8 text: String) {
        var text = text
        self = text.withUTF8 { Bytes(copying: UnsafeRawBufferPointer($0)) }
    }

    /// Allocates `capacity` bytes, lets `fill` write them and keeps as many as it returns.
    ///
    /// The memory is not cleared first: `fill` must have written every byte it counts.
    public init<Failure: Error>(
        capacity: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        guard capacity > 0 else {
            _ = try fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            self.init()
            return
        }
        let storage = ByteStorage(byteCount: capacity)
        let filled = try fill(storage.mutableBytes)
        precondition(filled >= 0 && filled <= capacity, "fill counted bytes beyond the capacity")
        self.init(storage: storage, lowerBound: 0, upperBound: filled)
    }

    /// The number of bytes.
    public var count: Int { upperBound - lowerBound }

    /// Whether there is no byte.
    public var isEmpty: Bool { upperBound == lowerBound }

    /// Calls `body` with the bytes. The pointer must not outlive the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let all = UnsafeRawBufferPointer(storage.mutableBytes)
        return try body(UnsafeRawBufferPointer(rebasing: all[lowerBound..<upperBound]))
    }

    /// The first `maximumCount` bytes, without copying; all of them when there are fewer.
    public func prefix(_ maximumCount: Int) -> Bytes {
        let end = lowerBound + Swift.min(Swift.max(0, maximumCount), count)
        return Bytes(storage: storage, lowerBound: lowerBound, upperBound: end)
    }

    /// Everything after the first `byteCount` bytes, without copying; empty when there are fewer.
    public func dropFirst(_ byteCount: Int = 1) -> Bytes {
        let start = lowerBound + Swift.min(Swift.max(0, byteCount), count)
        return Bytes(storage: storage, lowerBound: start, upperBound: upperBound)
    }

    /// The bytes at `range`, without copying.
    public func slice(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice out of bounds")
        return Bytes(
            storage: storage, lowerBound: lowerBound + range.lowerBound,
            upperBound: lowerBound + range.upperBound)
    }

    /// The bytes as text, or nil when they are not valid UTF-8.
    public var utf8Text: String? {
        withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    }
}

extension Bytes: RandomAccessCollection {
    /// Always zero: positions count from the first byte of this value, not of its storage.
    public var startIndex: Int { 0 }
    /// The number of bytes.
    public var endIndex: Int { count }

    /// The byte at `position`.
    public subscript(position: Int) -> UInt8 {
        precondition(position >= 0 && position < count, "byte position out of bounds")
        return storage.mutableBytes[lowerBound + position]
    }

    /// Lets the standard library copy the bytes in one go, as in `Array(bytes)`.
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeBytes { raw in
            try raw.withMemoryRebound(to: UInt8.self, body)
        }
    }
}

extension Bytes: Hashable {
    /// Whether both hold the same bytes.
    public static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.count == right.count else { return false }
        return left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                // As memory: byte by byte through a collection is far slower in debug builds.
                guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else {
                    return true
                }
                return memcmp(leftBase, rightBase, left.count) == 0
            }
        }
    }

    /// Feeds the bytes to `hasher`.
    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension Bytes: ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The given bytes.
    public init(arrayLiteral elements: UInt8...) {
        self.init(elements)
    }

    /// The count only: a body has no place in a log.
    public var description: String { "Bytes(count: \(count))" }
}

/// The one allocation behind `Bytes` and `BytesBuilder`.
///
/// `@unchecked Sendable`: it is written only while one `BytesBuilder` (or one `fill` closure) owns
/// it alone; once a `Bytes` exists nothing writes to it again. The pointer is private to this module
/// and every use lies within the lifetime of a holder.
final class ByteStorage: @unchecked Sendable {
    static let empty = ByteStorage(byteCount: 0)

    /// The whole allocation, uninitialised at first.
    let mutableBytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        mutableBytes = BufferCache.take(byteCount: byteCount)
    }

    deinit {
        BufferCache.giveBack(mutableBytes)
    }
}
