/// The type byte of a frame (protocol.md, rule W-10). Unknown values are kept, not guessed at.
public struct FrameType: RawRepresentable, Hashable, Sendable {
    /// The byte on the wire.
    public let rawValue: UInt8

    /// A type by its byte.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Opens the connection, once from each side.
    public static let hello = FrameType(rawValue: 0x01)
    /// A call: client to server.
    public static let request = FrameType(rawValue: 0x02)
    /// The answer to a call, and the trailer after its body.
    public static let response = FrameType(rawValue: 0x03)
    /// Bytes of a body; the only frame that flow control charges.
    public static let data = FrameType(rawValue: 0x04)
    /// Permission to send up to an absolute offset.
    public static let credit = FrameType(rawValue: 0x05)
    /// Ends a call in both directions.
    public static let reset = FrameType(rawValue: 0x06)
    /// The receiver wants no more bytes but still the answer.
    public static let stop = FrameType(rawValue: 0x07)
    /// Asks for a `pong`.
    public static let ping = FrameType(rawValue: 0x08)
    /// Answers a `ping`.
    public static let pong = FrameType(rawValue: 0x09)
    /// No new calls; or the reason why the connection is closed.
    public static let goAway = FrameType(rawValue: 0x0A)
}

/// The flags byte of a frame (rule W-15).
public struct FrameFlags: OptionSet, Hashable, Sendable {
    /// The byte on the wire.
    public let rawValue: UInt8

    /// Flags by their byte.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The last frame of its direction of the stream.
    public static let end = FrameFlags(rawValue: 0x01)
    /// There is no body at all, which differs from a body of no bytes.
    public static let noData = FrameFlags(rawValue: 0x02)
    /// The payload begins with the offset of its bytes in the blob.
    public static let offset = FrameFlags(rawValue: 0x04)
    /// A response that comes after the body.
    public static let trailer = FrameFlags(rawValue: 0x08)
    /// Whoever does not know the other flags or the type must not go on.
    public static let critical = FrameFlags(rawValue: 0x80)

    /// The flags that generation 1 defines.
    static let known: FrameFlags = [.end, .noData, .offset, .trailer, .critical]
}
