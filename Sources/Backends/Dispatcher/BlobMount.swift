internal import BlobCore

/// A short name for a place: `blob://name/key` stands for `base/key`.
struct BlobMount: Sendable {
    let name: String
    let base: BlobURI
    /// What every key of the mount begins with in its backend; empty or ending in a slash.
    private let keyPrefix: String

    init(name: String, base: BlobURI) throws(BlobError) {
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), base.scheme != .blob else {
            throw BlobError(
                .invalidArgument,
                "the mount '\(name)' needs a name without slash and a base that is not a mount")
        }
        self.name = name
        self.base = base
        var key = base.key[...]
        while key.utf8.last == UInt8(ascii: "/") { key = key.dropLast() }
        keyPrefix = key.isEmpty && base.scheme != .file ? "" : key + "/"
    }

    /// What `uri` stands for.
    ///
    /// - Throws: `invalidURI` for `.` and `..` segments, which some backend might resolve away.
    func target(of uri: BlobURI) throws(BlobError) -> BlobURI {
        let segments = uri.key.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard
            !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) })
        else {
            throw BlobError(
                .invalidURI, "a key below a mount must not have '.' or '..' segments", uri: uri)
        }
        return base.replacingKey(keyPrefix + uri.key)
    }

    /// The backend's key for a key of the mount.
    func targetKey(_ key: String) -> String { keyPrefix + key }

    /// What callers call `target`.
    func uri(of target: BlobURI) -> BlobURI {
        let key = target.key.utf8.dropFirst(
            target.key.utf8.starts(with: keyPrefix.utf8) ? keyPrefix.utf8.count : 0)
        return BlobURI(scheme: .blob, container: name, key: String(Substring(key)))
    }

    /// The error as the callers of the mount may see it: it names their URI, never the base.
    func hidingBase(_ error: BlobError, on uri: BlobURI?) -> BlobError {
        var error = error
        error.uri = uri?.redactedDescription ?? "blob://\(name)"
        let secrets = [base.description, keyPrefix, base.key, base.container, base.account ?? ""]
        error.message = Redaction.redact(secrets, in: error.message)
        return error
    }
}
