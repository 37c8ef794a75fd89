internal import BlobCore

/// Entity tags come quoted, unquoted and weak; they go out as they came, with quotes (S3-13).
enum EntityTag {
    static func quoted(_ text: String) -> String? {
        let trimmed = text.trimmingSpaces
        guard !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        if trimmed.hasPrefix("\"") || trimmed.hasPrefix("W/\"") { return trimmed }
        return "\"\(trimmed)\""
    }

    /// Whether a range of the same version can be asked for by it (CM-04).
    static func isStrong(_ etag: String) -> Bool { !etag.hasPrefix("W/") }

    static func missing(_ uri: BlobURI) -> BlobError {
        var error = BlobError(
            .backendUnavailable, "the service gives no entity tag; it cannot be used", uri: uri,
            origin: .backend)
        error.retry = .never
        return error
    }
}

extension HTTPHeaders {
    /// The entity tag that a response gives.
    var entityTag: String? { self["etag"].flatMap(EntityTag.quoted) }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isBlank = { (character: Character) in character.isWhitespace }
        let rest = drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(rest[...last])
    }
}
