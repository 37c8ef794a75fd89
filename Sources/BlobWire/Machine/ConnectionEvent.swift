public import BlobCore

/// What a received frame means for whoever runs the connection.
public enum ConnectionEvent: Sendable {
    /// The handshake is done; calls may begin.
    case opened(HelloFrame)
    /// Server: a call begins.
    case request(streamID: UInt32, payload: Bytes, body: RequestBodyForm)
    /// Client: the answer; `isLast` when no body follows.
    case response(streamID: UInt32, payload: Bytes, isLast: Bool)
    /// Client: the trailer after the body.
    case trailer(streamID: UInt32, payload: Bytes)
    /// Bytes of a body; report them as consumed when they are.
    case data(streamID: UInt32, payload: Bytes, offset: UInt64?, isLast: Bool)
    /// The peer ended the call: server, cancel the handler; client, the call is over.
    case reset(streamID: UInt32, code: BlobError.Code)
    /// The peer wants no more bytes of this stream.
    case stopped(streamID: UInt32, code: BlobError.Code)
    /// The answer to a ping.
    case pong(echo: UInt32)
    /// The peer takes no new calls above `lastStreamID`, or closes for the reason `code`.
    case goAway(lastStreamID: UInt32, code: BlobError.Code, grace: Duration)
}

/// What follows a request (rule W-22).
public enum RequestBodyForm: Hashable, Sendable {
    /// No body at all.
    case none
    /// A body of no bytes.
    case empty
    /// DATA frames.
    case follows
}
