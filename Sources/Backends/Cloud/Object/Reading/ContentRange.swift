/// The value of a `Content-Range` header, RFC 9110 section 14.4.
struct ContentRange: Sendable, Equatable {
    /// The bytes that follow; nil in `bytes */size`.
    var range: Range<UInt64>?
    /// The size of the whole blob; nil when the server does not say.
    var size: UInt64?

    /// Nil for anything that is no such value or contradicts itself.
    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        if halves[1] != "*" {
            guard let size = ByteCount.parse(halves[1]) else { return nil }
            self.size = size
        }
        if halves[0] == "*" { return }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = ByteCount.parse(ends[0]),
            let last = ByteCount.parse(ends[1]),
            first <= last, last < size ?? UInt64.max
        else { return nil }
        range = first..<(last + 1)
    }
}
