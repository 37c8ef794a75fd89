internal import BlobCore

/// A bounds-checked cursor over received bytes. Input is hostile: every read is checked and every
/// failure is a `WireError`, never a trap.
///
/// This file, `ByteWriter.swift` and `FrameReceiver.swift` are the only ones of the module that
/// touch raw memory.
struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    private(set) var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
    }

    var remainingByteCount: Int { bytes.byteCount - offset }
    var isAtEnd: Bool { offset == bytes.byteCount }

    @_lifetime(self: copy self)
    private mutating func take(_ byteCount: Int) throws(WireError) -> Int {
        guard byteCount <= remainingByteCount else {
            throw WireError(.badFrame, "a field ends after its frame (W-41)")
        }
        defer { offset += byteCount }
        return offset
    }

    @_lifetime(self: copy self)
    mutating func readUInt8() throws(WireError) -> UInt8 {
        let start = try take(1)
        // In bounds: `take` has checked.
        return unsafe bytes.unsafeLoad(fromByteOffset: start, as: UInt8.self)
    }

    @_lifetime(self: copy self)
    mutating func readUInt16() throws(WireError) -> UInt16 {
        let start = try take(2)
        return unsafe UInt16(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt16.self))
    }

    @_lifetime(self: copy self)
    mutating func readUInt32() throws(WireError) -> UInt32 {
        let start = try take(4)
        return unsafe UInt32(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
    }

    @_lifetime(self: copy self)
    mutating func readUInt64() throws(WireError) -> UInt64 {
        let start = try take(8)
        return unsafe UInt64(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
    }

    /// The next `byteCount` bytes as a reader of their own.
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    mutating func readSlice(_ byteCount: Int) throws(WireError) -> ByteReader {
        let start = try take(byteCount)
        return ByteReader(bytes.extracting(start..<(start + byteCount)))
    }

    /// Everything that remains, as text.
    @_lifetime(self: copy self)
    mutating func readText() throws(WireError) -> String {
        let start = try take(remainingByteCount)
        let slice = bytes.extracting(start..<bytes.byteCount)
        let text: String? = unsafe slice.withUnsafeBytes { raw in
            unsafe String(validating: raw, as: UTF8.self)
        }
        guard let text else { throw WireError(.badFrame, "text is not valid UTF-8 (W-41)") }
        return text
    }

    /// Everything that remains, copied.
    @_lifetime(self: copy self)
    mutating func readBytes() throws(WireError) -> [UInt8] {
        let start = try take(remainingByteCount)
        let slice = bytes.extracting(start..<bytes.byteCount)
        return unsafe slice.withUnsafeBytes { raw in unsafe Array(raw) }
    }

    /// A payload decoder must use up its bytes.
    func requireEnd() throws(WireError) {
        guard isAtEnd else { throw WireError(.badFrame, "bytes follow the last field (W-41)") }
    }
}

extension Bytes {
    /// Calls `body` with a reader over these bytes.
    func withReader<Result, Failure: Error>(
        _ body: (inout ByteReader) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBytes { (raw) throws(Failure) -> Result in
            var reader = unsafe ByteReader(raw.bytes)
            return try body(&reader)
        }
    }
}
