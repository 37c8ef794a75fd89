internal import BlobCore

/// The name of a field (rule W-41). A sender sets the critical bit on a field that must not be
/// passed over; the number below is the one without it.
struct FieldTag: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt16

    static let criticalBit: UInt16 = 0x8000

    static let uri = FieldTag(rawValue: 1)
    static let range = FieldTag(rawValue: 2)
    static let ifMatch = FieldTag(rawValue: 3)
    static let ifNoneMatch = FieldTag(rawValue: 4)
    static let condition = FieldTag(rawValue: 5)
    static let contentType = FieldTag(rawValue: 6)
    static let userMetadata = FieldTag(rawValue: 7)
    static let computeSHA256 = FieldTag(rawValue: 8)
    static let expectedSHA256 = FieldTag(rawValue: 9)
    static let bodyByteCount = FieldTag(rawValue: 10)
    static let delimiter = FieldTag(rawValue: 11)
    static let startAfter = FieldTag(rawValue: 12)
    static let pageToken = FieldTag(rawValue: 13)
    static let pageEntryCount = FieldTag(rawValue: 14)
    static let destinationURI = FieldTag(rawValue: 15)
    static let validSeconds = FieldTag(rawValue: 16)
    static let uploadID = FieldTag(rawValue: 17)
    static let partNumber = FieldTag(rawValue: 18)
    static let partOffset = FieldTag(rawValue: 19)
    static let listenerText = FieldTag(rawValue: 20)
    static let leaseSeconds = FieldTag(rawValue: 21)
    static let endsWithCaller = FieldTag(rawValue: 22)
    static let socketPath = FieldTag(rawValue: 23)

    static let message = FieldTag(rawValue: 64)
    static let retryAfter = FieldTag(rawValue: 65)
    static let objectByteCount = FieldTag(rawValue: 66)
    static let byteCount = FieldTag(rawValue: 70)
    static let etag = FieldTag(rawValue: 71)
    static let lastModified = FieldTag(rawValue: 72)
    static let version = FieldTag(rawValue: 73)
    static let resolvedRange = FieldTag(rawValue: 74)
    static let sha256 = FieldTag(rawValue: 75)
    static let existed = FieldTag(rawValue: 76)
    static let url = FieldTag(rawValue: 77)
    static let method = FieldTag(rawValue: 78)
    static let httpHeader = FieldTag(rawValue: 79)
    static let expiresAt = FieldTag(rawValue: 80)
    static let features = FieldTag(rawValue: 81)
    static let storeLimits = FieldTag(rawValue: 82)
    static let uptimeSeconds = FieldTag(rawValue: 83)
    static let scheme = FieldTag(rawValue: 84)
    static let mount = FieldTag(rawValue: 85)
    static let counter = FieldTag(rawValue: 86)
    static let connectionCount = FieldTag(rawValue: 87)
    static let policy = FieldTag(rawValue: 88)
    static let added = FieldTag(rawValue: 89)
    static let aborted = FieldTag(rawValue: 90)

    static let agentName = FieldTag(rawValue: 96)
    static let instanceID = FieldTag(rawValue: 97)
    static let operations = FieldTag(rawValue: 98)
    static let readOnly = FieldTag(rawValue: 99)

    static let entryRecord = FieldTag(rawValue: 112)
    static let prefixRecord = FieldTag(rawValue: 113)
    static let partRecord = FieldTag(rawValue: 114)
    static let outcomeRecord = FieldTag(rawValue: 115)
    static let urlRecord = FieldTag(rawValue: 116)
    static let uriRecord = FieldTag(rawValue: 117)
    static let listenerRecord = FieldTag(rawValue: 118)
    static let uploadRecord = FieldTag(rawValue: 119)
}

/// One field as received: `u16 tag | u16 length | value` (rule W-41).
struct Field: ~Escapable {
    let tag: FieldTag
    let isCritical: Bool
    var value: ByteReader

    @_lifetime(copy reader)
    @_lifetime(reader: copy reader)
    init(_ reader: inout ByteReader) throws(WireError) {
        let rawTag = try reader.readUInt16()
        let byteCount = try reader.readUInt16()
        tag = FieldTag(rawValue: rawTag & ~FieldTag.criticalBit)
        isCritical = rawTag & FieldTag.criticalBit != 0
        value = try reader.readSlice(Int(byteCount))
    }
}

extension ByteWriter {
    /// A field's value has at most this many bytes (rule W-41).
    static let maximumFieldByteCount = Int(UInt16.max)

    /// Writes a field whose value `body` writes. A value that is too long voids the message.
    mutating func write(
        field tag: FieldTag, critical: Bool = false, _ body: (inout ByteWriter) -> Void
    ) {
        write(tag.rawValue | (critical ? FieldTag.criticalBit : 0))
        let lengthOffset = byteCount
        write(UInt16(0))
        body(&self)
        let length = byteCount - lengthOffset - 2
        if length > Self.maximumFieldByteCount { noteOversizeField() }
        patch(UInt16(truncatingIfNeeded: length), at: lengthOffset)
    }

    mutating func write(field tag: FieldTag, critical: Bool = false, _ text: String) {
        writeHead(of: tag, critical, valueByteCount: text.utf8.count)
        write(text)
    }

    mutating func write(field tag: FieldTag, critical: Bool = false, _ value: UInt32) {
        writeHead(of: tag, critical, valueByteCount: 4)
        write(value)
    }

    mutating func write(field tag: FieldTag, critical: Bool = false, _ value: UInt64) {
        writeHead(of: tag, critical, valueByteCount: 8)
        write(value)
    }

    /// Tag and length in one go; a length that does not fit voids the message.
    private mutating func writeHead(of tag: FieldTag, _ critical: Bool, valueByteCount: Int) {
        if valueByteCount > Self.maximumFieldByteCount { noteOversizeField() }
        let rawTag = tag.rawValue | (critical ? FieldTag.criticalBit : 0)
        write(UInt32(rawTag) << 16 | UInt32(UInt16(truncatingIfNeeded: valueByteCount)))
    }

    mutating func write(field tag: FieldTag, critical: Bool = false, _ bytes: [UInt8]) {
        write(field: tag, critical: critical) { (writer: inout ByteWriter) in writer.write(bytes) }
    }

    /// Writes a pair of texts: `u16 length of the name | name | value`.
    mutating func write(field tag: FieldTag, name: String, value: String) {
        write(field: tag) { (writer: inout ByteWriter) in
            writer.write(UInt16(truncatingIfNeeded: name.utf8.count))
            writer.write(name)
            writer.write(value)
        }
    }
}

extension ByteReader {
    /// Reads a number of bytes or an offset; whoever computes with it need not fear an overflow
    /// (rule W-41).
    @_lifetime(self: copy self)
    mutating func readByteCount() throws(WireError) -> UInt64 {
        let byteCount = try readUInt64()
        guard byteCount <= UInt64(Int64.max) else {
            throw WireError(.badFrame, "a number of bytes lies beyond 2^63 - 1 (W-41)")
        }
        return byteCount
    }

    /// Reads the 32 bytes of a SHA-256.
    @_lifetime(self: copy self)
    mutating func readDigest() throws(WireError) -> [UInt8] {
        guard remainingByteCount == 32 else {
            throw WireError(.badFrame, "a SHA-256 has 32 bytes (W-41)")
        }
        return try readBytes()
    }

    /// Reads a pair of texts that fills the rest.
    @_lifetime(self: copy self)
    mutating func readPair() throws(WireError) -> (name: String, value: String) {
        let nameByteCount = try readUInt16()
        var name = try readSlice(Int(nameByteCount))
        return (try name.readText(), try readText())
    }
}
