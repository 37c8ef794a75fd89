/// A set of field tags below 128, as bits: every request is checked against one. Every tag this build
/// knows is below 128 (protocol.md, the table of fields).
struct FieldTagSet: ExpressibleByArrayLiteral, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(arrayLiteral tags: FieldTag...) {
        for tag in tags { insert(tag) }
    }

    func contains(_ tag: FieldTag) -> Bool {
        switch tag.rawValue {
        case 0..<64: low & (1 << UInt64(tag.rawValue)) != 0
        case 64..<128: high & (1 << UInt64(tag.rawValue - 64)) != 0
        default: false
        }
    }

    /// - Returns: Whether the tag is new.
    @discardableResult
    mutating func insert(_ tag: FieldTag) -> Bool {
        let isNew = !contains(tag)
        switch tag.rawValue {
        case 0..<64: low |= 1 << UInt64(tag.rawValue)
        case 64..<128: high |= 1 << UInt64(tag.rawValue - 64)
        default: assertionFailure("field tag \(tag.rawValue) does not fit into the set")
        }
        return isNew
    }
}
