/// Header fields in the canonical form of AWS Signature V4.
struct SignedHeaders: Sendable {
    /// The names in lower case, sorted, with ";" between them.
    private(set) var names = ""
    /// One line for each name, with its line break.
    private(set) var canonicalText = ""

    /// Lower-cases and sorts the names, joins the values of one name with commas in the order in
    /// which they were given.
    init(_ fields: [(name: String, value: String)]) {
        var entries: [(name: String, value: String, position: Int)] = []
        entries.reserveCapacity(fields.count)
        for (position, field) in fields.enumerated() {
            entries.append(
                (Self.lowercased(field.name), Self.trimmed(field.value), position))
        }
        entries.sort { left, right in
            left.name == right.name ? left.position < right.position : left.name < right.name
        }
        var previousName: String?
        for entry in entries {
            if entry.name == previousName {
                canonicalText.removeLast()
                canonicalText += ","
            } else {
                if previousName != nil { names += ";" }
                names += entry.name
                canonicalText += entry.name
                canonicalText += ":"
            }
            canonicalText += entry.value
            canonicalText += "\n"
            previousName = entry.name
        }
    }

    /// The names of header fields are ASCII; other bytes stay as they are.
    static func lowercased(_ name: String) -> String {
        String(decoding: name.utf8.map(ASCII.lowercased), as: UTF8.self)
    }

    /// Without white space at the ends, and with one space for each run of it inside.
    static func trimmed(_ value: String) -> String {
        let words = value.utf8.split(whereSeparator: ASCII.isSpace)
        if words.count == 1, words[0].count == value.utf8.count { return value }
        return words.map { String(Substring($0)) }.joined(separator: " ")
    }
}
