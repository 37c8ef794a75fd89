public import BlobCore

/// A request as a ``ScriptedHTTPServer`` has read it.
public struct ScriptedRequest: Sendable {
    /// For example `GET`.
    public let method: String
    /// The request target, byte for byte.
    public let target: String
    /// The fields in order.
    public let headers: [(name: String, value: String)]
    /// The body, without any transfer coding.
    public internal(set) var body = Bytes()
    /// Request line and fields as they came, with the empty line.
    public let rawHead: String
    /// Which connection it came on; the first is 0.
    public let connection: Int
    /// How many requests the server has begun to read before this one.
    public let index: Int

    /// The value of the first field of this name.
    public subscript(name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The target without its query.
    public var path: String { String(target.prefix { $0 != "?" }) }

    init?(rawHead: String, connection: Int, index: Int) {
        let lines = rawHead.split(separator: "\r\n", omittingEmptySubsequences: true)
        guard let words = lines.first?.split(separator: " "), words.count == 3 else { return nil }
        method = String(words[0])
        target = String(words[1])
        headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst()
            return (String(line[..<colon]), String(value.drop { $0 == " " }))
        }
        self.rawHead = rawHead
        self.connection = connection
        self.index = index
    }
}
