/// A file of AWS profiles. Whatever is no section and no property is passed over.
struct ProfileFile: Sendable {
    /// By the name in the brackets, with one space for each run of white space.
    private(set) var sections: [String: [String: String]] = [:]

    init(parsing text: String) {
        var section: String?
        // How far the last property was indented. What is indented further belongs to it, as in
        // "s3 =", and is none of ours.
        var propertyIndent: Int?
        for bytes in text.utf8.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            var line = Substring(bytes)
            if line.unicodeScalars.first == "\u{FEFF}" { line.unicodeScalars.removeFirst() }
            let indent = line.utf8.prefix(while: ASCII.isSpace).count
            line = line.trimmingWhitespace
            guard let first = line.utf8.first, first != UInt8(ascii: "#"),
                first != UInt8(ascii: ";")
            else { continue }
            if let propertyIndent, indent > propertyIndent { continue }
            if first == UInt8(ascii: "[") {
                section = Self.sectionName(line)
                propertyIndent = nil
                // A section counts even when it is empty, and may come in two pieces.
                if let section, sections[section] == nil { sections[section] = [:] }
                continue
            }
            propertyIndent = indent
            guard let section, let (name, value) = Self.property(line) else { continue }
            // The last of one name wins.
            sections[section]?[name] = value
        }
    }

    private static func sectionName(_ line: Substring) -> String? {
        guard let end = line.utf8.firstIndex(of: UInt8(ascii: "]")) else { return nil }
        let words = line[..<end].utf8.dropFirst().split(whereSeparator: ASCII.isSpace)
        return words.map { String(Substring($0)) }.joined(separator: " ")
    }

    private static func property(_ line: Substring) -> (name: String, value: String)? {
        guard let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let name = line[..<equals].trimmingWhitespace
        guard !name.isEmpty else { return nil }
        let value = withoutComment(line[line.utf8.index(after: equals)...])
        return (
            String(decoding: name.utf8.map(ASCII.lowercased), as: UTF8.self),
            String(value.trimmingWhitespace)
        )
    }

    /// A comment needs white space before it, because a secret may hold a "#".
    private static func withoutComment(_ value: Substring) -> Substring {
        var previous: UInt8 = 0x20
        for index in value.utf8.indices {
            let byte = value.utf8[index]
            let isMark = byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";")
            if isMark, ASCII.isSpace(previous) { return value[..<index] }
            previous = byte
        }
        return value
    }
}
