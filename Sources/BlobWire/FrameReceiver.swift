public import BlobCore

/// A frame as it came: a checked header and its whole payload.
public struct ReceivedFrame: Sendable {
    /// The header; its length is the payload's.
    public let header: FrameHeader
    /// The payload.
    public let payload: Bytes
}

/// Turns received bytes into frames without doing any input itself.
///
/// The caller asks where to put bytes, fills some, reports how many, and takes frames until there is
/// none. A long DATA payload is received straight into the allocation that becomes its `Bytes`, so
/// body bytes are copied by the kernel only, and memory is what the frames announce: everything else
/// goes through one fixed buffer.
///
/// A failure is sticky: after it no further frame comes.
///
/// Invariant: `0 <= readOffset <= writeOffset <= buffer.count`.
public struct FrameReceiver: ~Copyable {
    /// Payloads from this size on are received in place.
    static let inPlaceByteCount = 8 << 10
    /// While a payload is received in place, this much may follow it into the buffer: enough for the
    /// small frames behind it, little enough that few bytes of the next payload are copied.
    static let spillByteCount = 4 << 10

    /// What this side accepts; set anew when the handshake has agreed.
    public var limits: FrameLimits

    private let buffer: ReceiveBuffer
    private var readOffset = 0
    private var writeOffset = 0
    private var prefaceByteCount: Int
    private var pendingHeader: FrameHeader?
    private var pendingPayload = BytesBuilder()
    private var failure: WireError?

    /// A receiver at the start of a connection.
    ///
    /// - Parameter expectsPreface: Whether the magic bytes come first: on the server.
    public init(
        limits: FrameLimits, expectsPreface: Bool, bufferByteCount: Int = 64 << 10
    ) {
        // The buffer must hold the largest frame that is not received in place, and its header.
        precondition(bufferByteCount >= Self.inPlaceByteCount + FrameHeader.byteCount)
        self.limits = limits
        buffer = ReceiveBuffer(byteCount: bufferByteCount)
        prefaceByteCount = expectsPreface ? Preface.bytes.count : 0
    }

    /// Frames handed out so far.
    public private(set) var frameCount: UInt64 = 0

    /// Whether a frame has begun and not ended: the partial-frame timeout runs (rule W-52).
    public var hasPartialFrame: Bool {
        pendingHeader != nil || readOffset < writeOffset || prefaceByteCount > 0
    }

    /// Offers up to two places for received bytes; `body` fills them in order and returns how many
    /// bytes it put there.
    public mutating func receive<Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer) throws(Failure) ->
            Int
    ) throws(Failure) -> Int {
        compact()
        let unused = unsafe UnsafeMutableRawBufferPointer(
            rebasing: buffer.bytes[writeOffset...])
        guard let header = pendingHeader else {
            let received = unsafe try body(
                unused, UnsafeMutableRawBufferPointer(start: nil, count: 0))
            precondition(received >= 0 && received <= unused.count)
            writeOffset += received
            return received
        }
        let spill = unsafe UnsafeMutableRawBufferPointer(
            rebasing: unused.prefix(Self.spillByteCount))
        let wanted = header.payloadByteCount - pendingPayload.count
        var received = 0
        try unsafe pendingPayload.withUnsafeRoom { (room) throws(Failure) in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: room.prefix(wanted))
            received = unsafe try body(room, spill)
            precondition(received >= 0 && received <= room.count + spill.count)
        }
        pendingPayload.advance(by: min(received, wanted))
        writeOffset += max(0, received - wanted)
        return received
    }

    /// The next whole frame; nil when more bytes are needed.
    public mutating func next() throws(WireError) -> ReceivedFrame? {
        if let failure { throw failure }
        do {
            guard let frame = try takeFrame() else { return nil }
            frameCount &+= 1
            return frame
        } catch {
            failure = error
            throw error
        }
    }

    private mutating func takeFrame() throws(WireError) -> ReceivedFrame? {
        if let header = pendingHeader {
            guard pendingPayload.count == header.payloadByteCount else { return nil }
            pendingHeader = nil
            var payload = BytesBuilder()
            swap(&payload, &pendingPayload)
            return ReceivedFrame(header: header, payload: payload.freeze())
        }
        guard try takePreface() else { return nil }
        let available = writeOffset - readOffset
        guard available >= FrameHeader.byteCount else { return nil }
        let header = try withBuffered { (reader) throws(WireError) in
            try FrameHeader(&reader, limits: limits)
        }
        let payloadStart = readOffset + FrameHeader.byteCount
        let payloadAvailable = writeOffset - payloadStart
        if payloadAvailable >= header.payloadByteCount {
            let payload = copyOut(from: payloadStart, byteCount: header.payloadByteCount)
            readOffset = payloadStart + header.payloadByteCount
            return ReceivedFrame(header: header, payload: payload)
        }
        guard header.payloadByteCount >= Self.inPlaceByteCount else { return nil }
        pendingHeader = header
        pendingPayload = BytesBuilder(capacity: header.payloadByteCount)
        unsafe pendingPayload.append(
            copying: UnsafeRawBufferPointer(rebasing: buffer.bytes[payloadStart..<writeOffset]))
        readOffset = writeOffset
        return nil
    }

    /// W-01: judged byte by byte, so that a stranger is refused at the first wrong one.
    private mutating func takePreface() throws(WireError) -> Bool {
        while prefaceByteCount > 0, readOffset < writeOffset {
            let expected = Preface.bytes[Preface.bytes.count - prefaceByteCount]
            guard unsafe buffer.bytes[readOffset] == expected else {
                throw WireError(.badFrame, "the connection does not begin with BLOBRPC (W-01)")
            }
            readOffset += 1
            prefaceByteCount -= 1
        }
        return prefaceByteCount == 0
    }

    private func copyOut(from start: Int, byteCount: Int) -> Bytes {
        guard byteCount > 0 else { return Bytes() }
        return unsafe Bytes(
            copying: UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<(start + byteCount)]))
    }

    private func withBuffered<Result>(
        _ body: (inout ByteReader) throws(WireError) -> Result
    ) throws(WireError) -> Result {
        let bytes = unsafe UnsafeRawBufferPointer(
            rebasing: buffer.bytes[readOffset..<writeOffset])
        var reader = unsafe ByteReader(bytes.bytes)
        return try body(&reader)
    }

    /// Moves the unread rest to the front when the room behind it gets short.
    private mutating func compact() {
        if readOffset == writeOffset {
            readOffset = 0
            writeOffset = 0
        } else if buffer.byteCount - writeOffset < Self.inPlaceByteCount + FrameHeader.byteCount {
            unsafe buffer.bytes.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: buffer.bytes[readOffset..<writeOffset]))
            writeOffset -= readOffset
            readOffset = 0
        }
    }
}

/// The fixed buffer of a receiver. A class, so that the receiver can move while the kernel's view of
/// the memory stays; the receiver is its only holder.
@safe
final class ReceiveBuffer {
    let bytes: UnsafeMutableRawBufferPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe bytes = .allocate(byteCount: byteCount, alignment: 16)
    }

    deinit {
        unsafe bytes.deallocate()
    }
}
