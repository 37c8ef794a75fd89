internal import CLinuxShims

/// What a descriptor is ready for.
public struct ReadinessSet: OptionSet, Sendable, Hashable {
    /// epoll's own event bits, so that no event needs translating.
    public let rawValue: UInt32

    /// Wraps epoll event bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, a connection or the end of the stream can be read.
    public static let readable = ReadinessSet(rawValue: 0x001)
    /// There is room to write.
    public static let writable = ReadinessSet(rawValue: 0x004)
    /// The descriptor is in an error state. Always reported while any interest is set.
    public static let error = ReadinessSet(rawValue: 0x008)
    /// Both directions are shut down. Always reported while any interest is set.
    public static let hangup = ReadinessSet(rawValue: 0x010)
    /// The peer will send no more. Bytes sent before may still wait to be read.
    public static let peerClosed = ReadinessSet(rawValue: 0x2000)
}

/// Receives the readiness of one registered descriptor, on the loop thread.
public protocol ReadinessHandler: AnyObject {
    /// The descriptor is ready. Level-triggered: what is not consumed is reported next turn.
    func ready(_ readiness: ReadinessSet)
}

/// Called once at the end of a turn of the loop; see ``EventLoop/atEndOfTurn(_:)``.
public protocol EndOfTurnHandler: AnyObject {
    /// All callbacks, timers and jobs of this turn have run.
    func endOfTurn()
}
