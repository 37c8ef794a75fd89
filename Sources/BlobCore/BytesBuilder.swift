/// A growing run of bytes with one owner, frozen into `Bytes` without a copy.
public struct BytesBuilder: ~Copyable, Sendable {
    private var storage: ByteStorage
    /// The number of bytes written so far.
    public private(set) var count = 0

    /// Reserves room for `capacity` bytes.
    public init(capacity: Int = 0) {
        storage = ByteStorage(byteCount: Swift.max(0, capacity))
    }

    /// The number of bytes that fit before the next growth.
    public var capacity: Int { storage.mutableBytes.count }

    /// Makes room for `byteCount` more bytes.
    public mutating func reserve(_ byteCount: Int) {
        guard storage.mutableBytes.count - count < byteCount else { return }
        let grown = ByteStorage(
            byteCount: Swift.max(count + byteCount, storage.mutableBytes.count * 2))
        grown.mutableBytes.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: storage.mutableBytes[..<count]))
        storage = grown
    }

    /// Appends a copy of `source`.
    public mutating func append(copying source: UnsafeRawBufferPointer) {
        guard !source.isEmpty else { return }
        reserve(source.count)
        UnsafeMutableRawBufferPointer(rebasing: storage.mutableBytes[count...])
            .copyMemory(from: source)
        count += source.count
    }

    /// Appends a copy of `bytes`.
    public mutating func append(_ bytes: Bytes) {
        bytes.withUnsafeBytes { append(copying: $0) }
    }

    /// Lets `fill` write into up to `byteCount` uninitialised bytes at the end and keeps as many as
    /// it returns.
    public mutating func append<Failure: Error>(
        upTo byteCount: Int,
        fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(byteCount)
        let room = UnsafeMutableRawBufferPointer(
            rebasing: storage.mutableBytes[count..<(count + byteCount)])
        let filled = try fill(room)
        precondition(filled >= 0 && filled <= byteCount, "fill counted bytes beyond its room")
        count += filled
    }

    /// Calls `body` with the unwritten room at the end, for a kernel call that fills it; report what
    /// arrived with `advance(by:)`.
    public mutating func withUnsafeRoom<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeMutableRawBufferPointer(rebasing: storage.mutableBytes[count...]))
    }

    /// Counts `byteCount` bytes that were written into the room.
    public mutating func advance(by byteCount: Int) {
        precondition(byteCount >= 0 && count + byteCount <= storage.mutableBytes.count)
        count += byteCount
    }

    /// Replaces bytes that were written before, from `offset` on.
    public mutating func overwrite(at offset: Int, with bytes: [UInt8]) {
        precondition(offset >= 0 && offset + bytes.count <= count, "nothing was written there")
        UnsafeMutableRawBufferPointer(
            rebasing: storage.mutableBytes[offset..<(offset + bytes.count)]
        ).copyBytes(from: bytes)
    }

    /// The bytes written, without a copy. The builder is used up.
    public consuming func freeze() -> Bytes {
        Bytes(storage: storage, lowerBound: 0, upperBound: count)
    }
}
