internal import BlobCore

/// The 16 bytes in front of every frame, big-endian (rule W-10). Its shape never changes.
///
///      0        4    5     6       7        8        12       16
///     | length | type | flags | fdCount | reserved | stream | aux |
public struct FrameHeader: Hashable, Sendable {
    /// The size of the header in bytes.
    public static let byteCount = 16
    /// The largest payload length that can be written: the top byte of the length is zero.
    public static let maximumPayloadByteCount = 0x00FF_FFFF

    /// The number of bytes after the header.
    public var payloadByteCount: Int
    /// What the frame is.
    public var type: FrameType
    /// Its flags.
    public var flags: FrameFlags
    /// The number of descriptors that travel with its first byte.
    public var descriptorCount: UInt8
    /// Which call; zero for the connection.
    public var streamID: UInt32
    /// Depends on the type: an error code, an echo, a stream.
    public var auxiliary: UInt32

    /// A header from its fields.
    public init(
        type: FrameType, flags: FrameFlags = [], streamID: UInt32 = 0, auxiliary: UInt32 = 0,
        payloadByteCount: Int = 0, descriptorCount: UInt8 = 0
    ) {
        self.payloadByteCount = payloadByteCount
        self.type = type
        self.flags = flags
        self.descriptorCount = descriptorCount
        self.streamID = streamID
        self.auxiliary = auxiliary
    }

    /// Reads a header and checks all that can be checked without knowing the connection.
    ///
    /// - Parameter reader: Holds at least `byteCount` bytes.
    init(_ reader: inout ByteReader, limits: FrameLimits) throws(WireError) {
        let length = try reader.readUInt32()
        let type = FrameType(rawValue: try reader.readUInt8())
        let flags = FrameFlags(rawValue: try reader.readUInt8())
        let descriptorCount = try reader.readUInt8()
        let reserved = try reader.readUInt8()
        // W-11: the top byte keeps HTTP, TLS and other protocols from being taken for ours.
        guard length <= UInt32(Self.maximumPayloadByteCount) else {
            throw WireError(.badFrame, "the top byte of the length is not zero (W-11)")
        }
        // W-13
        guard reserved == 0 else { throw WireError(.badFrame, "the reserved byte is set (W-13)") }
        // W-16: descriptors are not agreed on in generation 1.
        guard descriptorCount == 0 else {
            throw WireError(.descriptorViolation, "descriptors were not agreed on (W-16)")
        }
        // W-15: with the critical bit, nothing unknown may be passed over.
        if flags.contains(.critical), !flags.isSubset(of: .known) || !limits.knows(type) {
            throw WireError(.badFrame, "a critical frame or flag is unknown (W-15)")
        }
        // W-12: the length is judged here, before anything is allocated for it.
        guard Int(length) <= limits.maximumPayloadByteCount(of: type) else {
            throw WireError(
                .frameTooLarge, "a frame of type \(type.rawValue) announces \(length) bytes (W-12)")
        }
        self.init(
            type: type, flags: flags, streamID: try reader.readUInt32(),
            auxiliary: try reader.readUInt32(), payloadByteCount: Int(length))
    }

    /// Appends the 16 bytes.
    func encode(into writer: inout ByteWriter) {
        writer.write(UInt32(truncatingIfNeeded: payloadByteCount))
        writer.write(type.rawValue)
        writer.write(flags.rawValue)
        writer.write(descriptorCount)
        writer.write(UInt8(0))
        writer.write(streamID)
        writer.write(auxiliary)
    }
}
