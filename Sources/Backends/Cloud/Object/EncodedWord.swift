internal import BlobCore

/// Text in a header as RFC 2047 has it, for header values hold plain ASCII only. Services give metadata
/// with other letters back in this form too.
enum EncodedWord {
    private static let prefix = "=?UTF-8?B?"
    private static let suffix = "?="

    /// `text` itself when a header can hold it as it is.
    ///
    /// - Parameter keepsBlanks: Whether it can hold nothing, and several blanks in a row.
    static func encode(_ text: String, keepsBlanks: Bool = true) -> String {
        let bytes = Array(text.utf8)
        if !keepsBlanks,
            bytes.isEmpty || zip(bytes, bytes.dropFirst()).contains(where: { $0 == (0x20, 0x20) })
        {
            return prefix + Base64.text(of: bytes) + suffix
        }
        let isPlain =
            bytes.allSatisfy { (0x20...0x7E).contains($0) } && bytes.first != 0x20
            && bytes.last != 0x20 && !text.hasPrefix("=?")
        return isPlain ? text : prefix + Base64.text(of: bytes) + suffix
    }

    /// What `encode` was given; text that is no encoded word, or none we know, comes back as it is.
    static func decode(_ text: String) -> String {
        guard text.hasPrefix("=?"), text.hasSuffix(suffix) else { return text }
        var result: [UInt8] = []
        for word in text.split(separator: " ") {
            guard let bytes = bytes(of: word) else { return text }
            result += bytes
        }
        return String(validating: result, as: UTF8.self) ?? text
    }

    private static func bytes(of word: Substring) -> [UInt8]? {
        let fields = word.split(separator: "?", omittingEmptySubsequences: false)
        guard fields.count == 5, fields[0] == "=", fields[4] == "=",
            fields[1].lowercased() == "utf-8"
        else { return nil }
        switch fields[2] {
        case "B", "b": return Base64.bytes(of: String(fields[3]))
        case "Q", "q": return quotedBytes(Array(fields[3].utf8))
        default: return nil
        }
    }

    private static func quotedBytes(_ text: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var position = 0
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "_"): result.append(0x20)
            case UInt8(ascii: "="):
                guard position + 2 < text.count, let high = digit(text[position + 1]),
                    let low = digit(text[position + 2])
                else { return nil }
                result.append(high << 4 | low)
                position += 2
            case let byte: result.append(byte)
            }
            position += 1
        }
        return result
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
