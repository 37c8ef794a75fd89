internal import BlobCore
package import BlobWire

/// Judges whether the other side of a connection stands still: it sends half a frame, or does not read
/// (rules W-52 and W-53, for both ends). It owns no timer: the connection asks.
package struct StallWatch: Sendable {
    private let partialFrameTimeout: Duration
    private let writeStallTimeout: Duration
    private var partialFrameSince: ContinuousClock.Instant?
    private var frameCount: UInt64 = 0
    private var blockedSince: ContinuousClock.Instant?

    package init(partialFrame: Duration, writeStall: Duration) {
        partialFrameTimeout = partialFrame
        writeStallTimeout = writeStall
    }

    /// Whether time passes for anything.
    package var isWatching: Bool { partialFrameSince != nil || blockedSince != nil }

    /// How many frames have come, and whether another has begun. Only its end stops its clock: a byte
    /// now and then is not progress.
    package mutating func noteFrames(
        _ count: UInt64, isPartial: Bool, now: ContinuousClock.Instant
    ) {
        if !isPartial {
            partialFrameSince = nil
        } else if partialFrameSince == nil || count != frameCount {
            partialFrameSince = now
        }
        frameCount = count
    }

    package mutating func noteWritten() { blockedSince = nil }

    package mutating func noteBlocked(now: ContinuousClock.Instant) {
        if blockedSince == nil { blockedSince = now }
    }

    /// Why the connection must end, if it must; with `isClosing` the other side owes nothing but to read
    /// why.
    package func check(now: ContinuousClock.Instant, isClosing: Bool = false) -> WireError? {
        // W-53
        if let blockedSince, now - blockedSince >= writeStallTimeout {
            return WireError(.peerStalled, "the peer does not read (W-53)")
        }
        // W-52
        if let partialFrameSince, !isClosing, now - partialFrameSince >= partialFrameTimeout {
            return WireError(.peerStalled, "half a frame, and no end of it (W-52)")
        }
        return nil
    }
}
