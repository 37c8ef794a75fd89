internal import BlobCore

/// The configured roots; decides which of them, if any, a URI falls under.
struct LocalRootSet: Sendable {
    /// Longest first: with nested roots the innermost serves.
    private let roots: [LocalRoot]

    init(_ roots: [LocalRoot]) {
        self.roots = roots.sorted { $0.path.utf8.count > $1.path.utf8.count }
    }

    var all: [LocalRoot] { roots }

    /// The place of a blob.
    ///
    /// - Throws: `unsupportedBackend` for another scheme (IX13), `permissionDenied` outside every
    ///   root, `invalidURI` for a path that cannot name a blob.
    func locate(_ uri: BlobURI) throws(BlobError) -> LocalPath {
        try locate(uri, check: LocalPathRules.problem(inBlobPath:))
    }

    /// The place where the keys that begin with `uri` are. The root itself may be given with and
    /// without its trailing slash.
    func locatePrefix(_ uri: BlobURI) throws(BlobError) -> LocalPath {
        try locate(uri, check: LocalPathRules.problem(inPrefix:))
    }

    private enum Outcome {
        case found(LocalRoot, offset: Int)
        case outside
        case problem(StaticString)
    }

    private func locate(
        _ uri: BlobURI, check: (UnsafeBufferPointer<UInt8>) -> StaticString?
    ) throws(BlobError) -> LocalPath {
        guard uri.scheme == .file else {
            throw BlobError.unsupportedBackend(scheme: uri.scheme.rawValue)
        }
        var key = uri.key
        let outcome = key.withUTF8 { path in
            guard let (root, offset) = root(of: path) else { return Outcome.outside }
            let relative = UnsafeBufferPointer(rebasing: path[offset...])
            if let problem = check(relative) { return Outcome.problem(problem) }
            return Outcome.found(root, offset: offset)
        }
        switch outcome {
        case .found(let root, let offset):
            return LocalPath(root: root, key: key, relativeOffset: offset)
        case .outside:
            // FS-01
            throw BlobError(
                .permissionDenied,
                "the path lies outside every configured root; add a root or use another path",
                uri: uri)
        case .problem(let problem):
            throw BlobError(.invalidURI, "no blob can have this URI: \(problem)", uri: uri)
        }
    }

    private func root(
        of path: UnsafeBufferPointer<UInt8>
    ) -> (root: LocalRoot, offset: Int)? {
        for root in roots {
            let byteCount = root.pathBytes.count
            guard path.count >= byteCount, path.starts(with: root.pathBytes) else { continue }
            if path.count == byteCount { return (root, byteCount) }
            if path[byteCount] == UInt8(ascii: "/") { return (root, byteCount + 1) }
        }
        return nil
    }
}
