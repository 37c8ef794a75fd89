/// The header fields of a request or a response, in order. Names compare without regard to case.
struct HTTPHeaders: Sendable, Equatable {
    /// One field.
    struct Field: Sendable, Equatable {
        var name: String
        var value: String
    }

    private(set) var fields: [Field] = []

    /// The value of the first field of this name; setting replaces all of that name.
    subscript(name: String) -> String? {
        get { fields.first { Self.areEqual($0.name, name) }?.value }
        set {
            fields.removeAll { Self.areEqual($0.name, name) }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    /// Adds a field after those there are.
    mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds the fields of `others` after those there are.
    mutating func append(_ others: HTTPHeaders) {
        fields.append(contentsOf: others.fields)
    }

    /// ASCII only, as RFC 9110 section 5.1 has it, and without allocating.
    static func areEqual(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
