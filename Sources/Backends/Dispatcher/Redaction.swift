/// Takes names out of messages that their reader must not learn.
enum Redaction {
    private static let replacement = "(hidden)"

    /// `message` without `secrets`. Only whole words are taken out: a bucket named `to` must not
    /// eat every "to" inside of words. Secrets of one byte tell nothing and are left.
    static func redact(_ secrets: [String], in message: String) -> String {
        var text = Array(message.utf8)
        // Longest first: a base URI goes as a whole, not its bucket alone.
        for secret in secrets.sorted(by: { $0.utf8.count > $1.utf8.count })
        where secret.utf8.count > 1 {
            text = redact(Array(secret.utf8), in: text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func redact(_ secret: [UInt8], in text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        while position < text.count {
            let end = position + secret.count
            if text[position...].starts(with: secret), isBoundary(text, position),
                isBoundary(text, end)
            {
                result += Array(replacement.utf8)
                position = end
            } else {
                result.append(text[position])
                position += 1
            }
        }
        return result
    }

    /// Whether no word goes on across `position`.
    private static func isBoundary(_ text: [UInt8], _ position: Int) -> Bool {
        guard position > 0, position < text.count else { return true }
        return !(isWord(text[position - 1]) && isWord(text[position]))
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
