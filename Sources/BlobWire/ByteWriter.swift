internal import BlobCore

/// Appends big-endian values; back-patches lengths.
struct ByteWriter: ~Copyable {
    private var builder: BytesBuilder
    /// Whether a field was longer than its 16-bit length can say; then the whole message is void.
    private(set) var hasOversizeField = false

    init(capacity: Int = 128) {
        builder = BytesBuilder(capacity: capacity)
    }

    var byteCount: Int { builder.count }

    mutating func write(_ value: UInt8) { writeRaw(value) }
    mutating func write(_ value: UInt16) { writeRaw(value.bigEndian) }
    mutating func write(_ value: UInt32) { writeRaw(value.bigEndian) }
    mutating func write(_ value: UInt64) { writeRaw(value.bigEndian) }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            unsafe builder.append(copying: UnsafeRawBufferPointer(utf8))
        }
    }

    mutating func write(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe builder.append(copying: $0) }
    }

    mutating func write(_ bytes: Bytes) {
        builder.append(bytes)
    }

    /// Overwrites the 16-bit value at `offset`, which was written before.
    mutating func patch(_ value: UInt16, at offset: Int) {
        builder.overwrite(at: offset, with: [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)])
    }

    mutating func noteOversizeField() {
        hasOversizeField = true
    }

    /// The message.
    ///
    /// - Throws: `tooLarge` when a field was longer than 64 KiB.
    consuming func finish() throws(BlobError) -> Bytes {
        guard !hasOversizeField else {
            throw BlobError(.tooLarge, "a field is longer than 65535 bytes", origin: .client)
        }
        return builder.freeze()
    }

    private mutating func writeRaw<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value) { unsafe builder.append(copying: $0) }
    }
}

extension Duration {
    /// Whole milliseconds, rounded up and at most 49 days: no short delay becomes none.
    var wireMilliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < Int64(UInt32.max / 1000) else { return UInt32.max }
        let fraction = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return UInt32(clamping: seconds * 1000 + fraction)
    }
}
