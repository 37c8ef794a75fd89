internal import BlobCore
internal import CCurlShims

/// A refusal that came while the body was being sent, over a connection that the server then reset.
///
/// libcurl gives such an upload up when its next send fails, without a look at what has arrived.
/// What the kernel had is read when the socket is closed, and understood here.
struct RescuedResponse {
    let head: HTTPResponseHead
    /// What came of it: the text of a refusal may end early.
    let body: Bytes

    init?(_ transfer: UnsafeMutablePointer<ccurl_transfer>) {
        guard let bytes = transfer.pointee.rescued, transfer.pointee.rescued_count > 0 else {
            return nil
        }
        self.init(
            bytes: Bytes(
                copying: UnsafeRawBufferPointer(
                    start: bytes, count: transfer.pointee.rescued_count)))
    }

    init?(bytes: Bytes) {
        var rest = bytes
        while let end = Self.endOfHead(rest) {
            let lines = rest.prefix(end)
            rest = rest.dropFirst(end)
            guard let status = Self.status(lines) else { return nil }
            if (100..<200).contains(status) { continue }
            // Success before the end of the body is no success.
            guard status >= 300, let head = Self.head(status, lines) else { return nil }
            self.head = head
            if head.isChunked {
                body = Self.joinedChunks(rest)
            } else {
                let length = head.headers["Content-Length"].flatMap { Int($0) } ?? rest.count
                body = rest.prefix(length)
            }
            return
        }
        return nil
    }

    private static func head(_ status: Int, _ lines: Bytes) -> HTTPResponseHead? {
        lines.withUnsafeBytes { HTTPResponseHead(status: status, lines: $0) }
    }

    /// The offset behind the empty line.
    private static func endOfHead(_ bytes: Bytes) -> Int? {
        bytes.withUnsafeBytes { bytes in
            guard bytes.count >= 4 else { return nil }
            for index in 3..<bytes.count
            where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 {
                return index + 1
            }
            return nil
        }
    }

    /// The three digits after `HTTP/1.x `.
    private static func status(_ bytes: Bytes) -> Int? {
        guard bytes.count >= 13, let line = bytes.prefix(12).utf8Text,
            line.hasPrefix("HTTP/1.1 ") || line.hasPrefix("HTTP/1.0 ")
        else { return nil }
        return Int(line.dropFirst(9))
    }

    /// The chunks up to the first that is not whole.
    private static func joinedChunks(_ bytes: Bytes) -> Bytes {
        var rest = bytes
        var builder = BytesBuilder(capacity: bytes.count)
        while let end = rest.firstIndex(of: 10), end <= 18 {
            let digits = rest.prefix(end).prefix { $0 != 13 && $0 != UInt8(ascii: ";") }
            let text = String(decoding: digits, as: UTF8.self)
            rest = rest.dropFirst(end + 1)
            guard let count = Int(text, radix: 16), count > 0, count <= rest.count else { break }
            builder.append(rest.prefix(count))
            rest = rest.dropFirst(count).dropFirst(2)
        }
        return builder.freeze()
    }
}
