/// Text on its way into a document that we send.
enum XMLText {
    /// `text` as the content of an element or of an attribute; nil when it holds a character that
    /// XML 1.0 cannot carry even by number (CM-11).
    static func escaped(_ text: String) -> String? {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&apos;"
            // As numbers, because a parser turns the first into a line feed and, in an attribute,
            // all three into a space.
            case "\r": result += "&#13;"
            case "\n": result += "&#10;"
            case "\t": result += "&#9;"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": return nil
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
