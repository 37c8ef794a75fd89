internal import BlobCore

/// Which end of the connection a machine is.
public enum ConnectionRole: Sendable, Hashable {
    /// Opens calls.
    case client
    /// Answers them.
    case server
}

/// The rules of one connection, for both ends: handshake, streams, flow control, order of sending.
///
/// It does no input or output, has no clock and starts no task. Received frames go in and events
/// come out; things to send go in and batches of frames come out. A thrown `WireError` is final: the
/// caller queues GOAWAY with `close`, writes what is left and closes the descriptor.
///
/// Nothing here waits: what cannot be sent yet stays queued, bounded per stream by the producer
/// (which asks `hasRoom`) and in number by the limit of streams. Answers to control frames are kept
/// as the latest state, not as a queue, so that a peer that does not read cannot make them grow.
public struct ConnectionMachine: ~Copyable {
    /// Bytes a stream may have queued before its producer has to wait.
    public static var roomByteCount: Int { 512 << 10 }
    /// Pieces a stream may have queued: many small ones cost more than their bytes.
    static var roomPieceCount: Int { 1024 }
    /// Bulk bytes taken into one batch: a small frame waits for at most this and the kernel's queue.
    public static var batchByteCount: Int { 256 << 10 }

    let role: ConnectionRole
    let limits: ConnectionLimits
    /// What the peer announced; nil before its HELLO.
    public private(set) var peer: HelloFrame?
    /// The last stream that a client opened.
    public internal(set) var lastStreamID: UInt32 = 0

    var streams: [UInt32: StreamState] = [:]
    /// Streams that ended here while the peer may still be sending on them: their late DATA is
    /// charged and dropped. Bounded: the oldest is forgotten.
    var draining: [UInt32: ReceiveWindow] = [:]
    var drainingOrder = FIFO<UInt32>()
    var connectionSendWindow = SendWindow(limit: 0)
    var connectionReceiveWindow: ReceiveWindow

    var control = ControlState()
    var small = ByteWriter(capacity: 0)
    /// Streams whose last response is in `small`.
    var ending: [UInt32] = []
    /// Streams with DATA and credit of their own; what ended since may still stand in it.
    var ready = FIFO<UInt32>()
    /// Streams whose next frame is an end or a trailer, which need no credit.
    var readyEnds = FIFO<UInt32>()
    /// Streams whose producer is to be woken with the next batch.
    var drained: [UInt32] = []
    var goAwaySentLastStreamID: UInt32?
    /// The peer takes no new calls.
    var hasReceivedGoAway = false
    /// GOAWAY with an error is queued or sent: nothing is taken or sent any more.
    var isClosed = false

    var resets: GlitchWindow
    var glitches: GlitchWindow
    var pings: GlitchWindow

    /// A machine before the handshake; its first batch holds `hello` (and on a client the preface).
    public init(role: ConnectionRole, limits: ConnectionLimits, hello: HelloFrame) {
        self.role = role
        self.limits = limits
        connectionReceiveWindow = ReceiveWindow(size: limits.connectionCreditByteCount)
        func window() -> GlitchWindow {
            GlitchWindow(maximumCount: limits.maximumGlitchCount, length: limits.glitchWindow)
        }
        resets = window()
        glitches = window()
        pings = window()
        if role == .client { small.write(Preface.bytes) }
        var payload = ByteWriter()
        hello.encode(into: &payload)
        // HELLO is our own and short: a field cannot be oversize.
        let encoded = (try? payload.finish()) ?? Bytes()
        appendSmall(FrameHeader(type: .hello), payload: encoded)
    }

    /// The number of calls that hold a slot (rule W-21).
    public var activeStreamCount: Int { streams.count }

    /// Client: whether the server lets another call begin. False for good after GOAWAY and when
    /// the stream ids are used up.
    public var canOpenStream: Bool {
        guard let peer, !hasReceivedGoAway, !isClosed else { return false }
        return streams.count < Int(peer.maximumStreamCount) && !isExhausted
    }

    /// The largest REQUEST or RESPONSE payload the peer accepts (rule W-12).
    public var maximumHeaderByteCount: Int { peer?.frames.maximumHeaderByteCount ?? 0 }

    /// Whether the client has used up its stream ids and must connect anew (rule W-28).
    public var isExhausted: Bool { lastStreamID >= UInt32.max - 2 }

    mutating func accept(hello: HelloFrame) {
        peer = hello
        connectionSendWindow = SendWindow(limit: hello.connectionCreditByteCount)
    }

    @discardableResult
    mutating func makeStream(_ streamID: UInt32) -> StreamState {
        let stream = StreamState(
            sendLimit: UInt64(peer?.streamCreditByteCount ?? 0),
            receiveLimit: UInt64(limits.streamCreditByteCount))
        streams[streamID] = stream
        return stream
    }

    /// Forgets a stream; its slot is free.
    mutating func removeStream(_ streamID: UInt32) {
        control.streamCredits[streamID] = nil
        control.stops[streamID] = nil
        noteDrained(streamID)
        guard let stream = streams.removeValue(forKey: streamID) else { return }
        guard role == .server else {
            // A reset that its call overtook asks for nothing any more.
            control.resets[streamID] = nil
            return
        }
        guard !stream.remoteEnded else { return }
        draining[streamID] = stream.receiveWindow
        drainingOrder.append(streamID)
        while drainingOrder.count > Int(limits.maximumStreamCount),
            let oldest = drainingOrder.popFirst()
        {
            draining[oldest] = nil
        }
    }

    mutating func appendSmall(_ header: FrameHeader, payload: Bytes) {
        var header = header
        header.payloadByteCount = payload.count
        header.encode(into: &small)
        small.write(payload)
    }
}

/// Control frames that wait to be sent, as state: only the latest of each counts (rule W-35).
struct ControlState: Sendable {
    var pongEcho: UInt32?
    var pingEcho: UInt32?
    var connectionCredit: UInt64?
    var streamCredits: [UInt32: UInt64] = [:]
    var resets: [UInt32: BlobError.Code] = [:]
    var stops: [UInt32: BlobError.Code] = [:]
    var goAway: (lastStreamID: UInt32, code: BlobError.Code, graceMilliseconds: UInt32)?

    var isEmpty: Bool {
        pongEcho == nil && pingEcho == nil && connectionCredit == nil && streamCredits.isEmpty
            && resets.isEmpty && stops.isEmpty && goAway == nil
    }
}
