/// The status and the fields of a response.
struct HTTPResponseHead: Sendable {
    let status: Int
    let headers: HTTPHeaders

    /// From the lines of a head without its empty line. Nil for what is no head.
    ///
    /// Values are decoded as UTF-8 with replacement: an unreadable byte in one field is no reason
    /// to fail, and nothing here traps on any input.
    init?(status: Int, lines: UnsafeRawBufferPointer) {
        guard (200...999).contains(status) else { return nil }
        var fields = HTTPHeaders()
        var isStatusLine = true
        for line in lines.split(separator: UInt8(ascii: "\n")) {
            defer { isStatusLine = false }
            if isStatusLine { continue }
            let line = Self.trimmed(line)
            if line.isEmpty { continue }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                return nil
            }
            let name = line[..<colon]
            let value = Self.trimmed(line[line.index(after: colon)...])
            fields.append(
                String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        self.status = status
        headers = fields
    }

    /// Whether the body says itself where it ends.
    var isChunked: Bool {
        guard let coding = headers["Transfer-Encoding"] else { return false }
        return coding.lowercased().hasSuffix("chunked")
    }

    private static func trimmed(
        _ bytes: Slice<UnsafeRawBufferPointer>
    ) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes
        while let first = bytes.first, isSpace(first) { bytes = bytes.dropFirst() }
        while let last = bytes.last, isSpace(last) { bytes = bytes.dropLast() }
        return bytes
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D
    }
}
