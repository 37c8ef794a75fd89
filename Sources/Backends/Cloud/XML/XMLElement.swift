/// One element of a parsed document. Comments, namespaces and prefixes of names are dropped: no
/// answer of a store that we read has anything in them.
struct XMLElement: Sendable, Equatable {
    /// The local name: a store may send a namespace or leave it out (CM-11).
    var name: String
    /// The element's own character data, concatenated, with all white space.
    var text = ""
    /// By local name; those that declare namespaces are left out.
    var attributes: [String: String] = [:]
    /// The elements directly inside, in order.
    var children: [XMLElement] = []

    /// The first child of this name.
    func first(_ name: String) -> XMLElement? {
        children.first { $0.name == name }
    }

    /// All children of this name, in order.
    func all(_ name: String) -> [XMLElement] {
        children.filter { $0.name == name }
    }

    /// The character data of the first child of this name.
    func text(of name: String) -> String? {
        first(name)?.text
    }
}

/// Why a document was not read. No case carries text of the document: it may hold a secret.
enum XMLFailure: Error, Equatable {
    /// The document ends too early; a second attempt may bring all of it (CM-11).
    case truncated
    /// Not well-formed.
    case malformed
    /// A document type, an entity declaration, or more nesting or elements than any answer has.
    case forbidden
    /// More bytes than any answer has.
    case tooLarge
}

/// What one document may cost (CM-11).
enum XMLLimits {
    static let byteCount = 16 << 20
    /// Also bounds the recursion with which a tree is destroyed.
    static let depth = 32
    /// Where a request does not say that its answer can have more.
    static let elementCount = 50_000
}
