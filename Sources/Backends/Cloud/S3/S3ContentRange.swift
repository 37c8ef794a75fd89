/// The value of a `Content-Range` header, RFC 9110 section 14.4.
struct S3ContentRange: Sendable, Equatable {
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
            guard let size = S3ByteCount.parse(halves[1]) else { return nil }
            self.size = size
        }
        if halves[0] == "*" { return }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = S3ByteCount.parse(ends[0]),
            let last = S3ByteCount.parse(ends[1]),
            first <= last, last < size ?? UInt64.max
        else { return nil }
        range = first..<(last + 1)
    }
}

/// Sizes and offsets as services write them.
enum S3ByteCount {
    /// Nil for anything but digits, and for more than 63 bits hold: no store has that much, and
    /// ranges of it could not be counted.
    static func parse(_ digits: some StringProtocol) -> UInt64? {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(digits).map { UInt64($0) }
    }
}
