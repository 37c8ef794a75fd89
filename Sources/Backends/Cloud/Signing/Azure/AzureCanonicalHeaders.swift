/// The `x-ms-` fields of a request as Azure signs them: one line each, sorted by name.
enum AzureCanonicalHeaders {
    private static let prefix = "x-ms-"

    static func text(_ headers: HTTPHeaders) -> String {
        var entries: [(name: String, value: String, position: Int)] = []
        for (position, field) in headers.fields.enumerated() {
            let name = SignedHeaders.lowercased(field.name)
            guard name.hasPrefix(prefix) else { continue }
            entries.append((name, SignedHeaders.trimmed(field.value), position))
        }
        entries.sort { left, right in
            left.name == right.name
                ? left.position < right.position : precedes(left.name, right.name)
        }
        var text = ""
        var previousName: String?
        for entry in entries {
            if entry.name == previousName {
                text.removeLast()
                text += ","
            } else {
                text += entry.name
                text += ":"
            }
            text += entry.value
            text += "\n"
            previousName = entry.name
        }
        return text
    }

    /// Not the order of the bytes: the service sorts names as dictionaries do, where all signs come
    /// before digits and letters. It matters for `x-ms-meta-a_b` and `x-ms-meta-a1`.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8) { rank[Int($0)] < rank[Int($1)] }
    }

    /// The characters that the name of a field can have (RFC 9110 section 5.6.2), in lower case.
    private static let order = "-!#$%&*.^_|~+'`0123456789abcdefghijklmnopqrstuvwxyz"

    private static let rank: [Int] = {
        var rank = [Int](repeating: order.utf8.count, count: 256)
        for (position, byte) in order.utf8.enumerated() { rank[Int(byte)] = position }
        return rank
    }()
}
