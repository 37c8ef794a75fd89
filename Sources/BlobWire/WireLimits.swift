/// The sizes one side accepts for each frame (rule W-12).
public struct FrameLimits: Hashable, Sendable {
    /// The largest DATA payload.
    public var maximumDataByteCount: Int
    /// The largest REQUEST or RESPONSE payload.
    public var maximumHeaderByteCount: Int

    /// Limits from their values.
    public init(maximumDataByteCount: Int = 256 << 10, maximumHeaderByteCount: Int = 64 << 10) {
        self.maximumDataByteCount = maximumDataByteCount
        self.maximumHeaderByteCount = maximumHeaderByteCount
    }

    /// HELLO comes before any limit is agreed.
    public static let maximumHelloByteCount = 4096
    /// CREDIT carries one absolute offset.
    public static let creditByteCount = 8
    /// GOAWAY carries a code and a grace period.
    public static let goAwayByteCount = 8
    /// The longest payload of a frame of unknown type, which is skipped (rule W-14).
    public static let maximumUnknownByteCount = 64 << 10
    /// What the range of the negotiable DATA payload is (rule W-36).
    public static let dataByteCountBounds = (16 << 10)...(4 << 20)
    /// What the range of the largest REQUEST and RESPONSE payload is (rule W-36): every error fits
    /// the smallest.
    public static let headerByteCountBounds = (16 << 10)...(4 << 20)

    func maximumPayloadByteCount(of type: FrameType) -> Int {
        switch type {
        case .data: maximumDataByteCount
        case .request, .response: maximumHeaderByteCount
        case .hello: Self.maximumHelloByteCount
        case .credit: Self.creditByteCount
        case .goAway: Self.goAwayByteCount
        case .reset, .stop, .ping, .pong: 0
        default: Self.maximumUnknownByteCount
        }
    }

    func knows(_ type: FrameType) -> Bool {
        (FrameType.hello.rawValue...FrameType.goAway.rawValue).contains(type.rawValue)
    }
}

/// What one side grants and enforces on a connection (rules W-21, W-30, W-57).
public struct ConnectionLimits: Hashable, Sendable {
    /// Frame sizes.
    public var frames = FrameLimits()
    /// Unconsumed DATA bytes accepted on one stream.
    public var streamCreditByteCount: UInt32 = 1 << 20
    /// Unconsumed DATA bytes accepted on the whole connection.
    public var connectionCreditByteCount: UInt64 = 8 << 20
    /// Calls at once; a call counts until its handler and the backend request under it have ended.
    public var maximumStreamCount: UInt32 = 256
    /// Resets, stream errors and pings, each within `glitchWindow`.
    public var maximumGlitchCount = 2000
    /// The length of the window in which glitches are counted.
    public var glitchWindow: Duration = .seconds(30)

    /// The limits of a trusted socket.
    public init() {}

    /// Whether `byteCount` may be the largest DATA payload (rule W-36).
    public func acceptsDataByteCount(_ byteCount: Int) -> Bool {
        FrameLimits.dataByteCountBounds.contains(byteCount)
    }
}
