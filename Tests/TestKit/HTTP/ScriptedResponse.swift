public import BlobCore

/// What a ``ScriptedHTTPServer`` does after it has read a request: raw bytes and mishaps in order.
public struct ScriptedResponse: Sendable {
    /// One thing that the server does.
    public enum Step: Sendable {
        /// Sends these bytes as they are.
        case send(Bytes)
        /// Sends that many bytes of a pattern that ``patternByte(at:)`` gives.
        case sendPattern(byteCount: Int)
        /// Says that it has come this far.
        case signal(Event)
        /// Does nothing until it happens.
        case wait(Event)
        /// Does nothing until the client closes the connection.
        case stall
        /// Closes the connection in order.
        case close
        /// Resets the connection (SO_LINGER 0).
        case reset
    }

    /// The steps. After the last one the server reads the next request of the connection.
    public var steps: [Step]

    /// Steps as they are.
    public init(_ steps: [Step] = []) { self.steps = steps }

    /// A whole response with its length.
    public init(
        status: Int = 200, headers: [(String, String)] = [], body: Bytes = Bytes()
    ) {
        let head = Self.head(
            status: status, headers: headers + [("Content-Length", "\(body.count)")])
        steps = [.send(head + body)]
    }

    /// A whole response with a text.
    public init(status: Int = 200, headers: [(String, String)] = [], text: String) {
        self.init(status: status, headers: headers, body: Bytes(utf8: text))
    }

    /// A whole response of patterned bytes.
    public init(status: Int = 200, patternByteCount: Int) {
        let head = Self.head(
            status: status, headers: [("Content-Length", "\(patternByteCount)")])
        steps = [.send(head), .sendPattern(byteCount: patternByteCount)]
    }

    /// A response in chunks, with the last one.
    public init(status: Int = 200, headers: [(String, String)] = [], chunks: [Bytes]) {
        let head = Self.head(
            status: status, headers: headers + [("Transfer-Encoding", "chunked")])
        steps = [.send(head)]
        for chunk in chunks { steps.append(.send(Self.chunk(chunk))) }
        steps.append(.send(Bytes(utf8: "0\r\n\r\n")))
    }

    /// The head of a response.
    public static func head(status: Int, headers: [(String, String)]) -> Bytes {
        var text = "HTTP/1.1 \(status) Scripted\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Bytes(utf8: text + "\r\n")
    }

    /// One chunk of a body.
    public static func chunk(_ bytes: Bytes) -> Bytes {
        Bytes(utf8: String(bytes.count, radix: 16) + "\r\n") + bytes + Bytes(utf8: "\r\n")
    }

    /// The byte that a pattern has at `offset`.
    public static func patternByte(at offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8)
    }

    /// The same, but only so many bytes of it, and then `step`.
    public func cut(after byteCount: Int, then step: Step = .close) -> ScriptedResponse {
        var left = byteCount
        var kept: [Step] = []
        for part in steps {
            switch part {
            case .send(let bytes):
                kept.append(.send(bytes.prefix(left)))
                left -= min(left, bytes.count)
            case .sendPattern(let count):
                kept.append(.sendPattern(byteCount: min(count, left)))
                left -= min(left, count)
            default: kept.append(part)
            }
            if left == 0 { break }
        }
        return ScriptedResponse(kept + [step])
    }

    /// The same, and then `step`.
    public func then(_ step: Step) -> ScriptedResponse { ScriptedResponse(steps + [step]) }
}

extension Bytes {
    fileprivate static func + (left: Bytes, right: Bytes) -> Bytes {
        var builder = BytesBuilder(capacity: left.count + right.count)
        builder.append(left)
        builder.append(right)
        return builder.freeze()
    }
}
