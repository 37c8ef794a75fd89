extension BlobURI {
    /// Parsing is by hand: a general URI parser would decode or normalise keys, and then the bytes
    /// that are signed differ from the bytes that are asked for.
    init(parsing text: String, keyMayBeEmpty: Bool) throws(BlobError) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw Self.invalid("longer than \(Self.maximumByteCount) bytes", text)
        }
        guard !text.utf8.contains(0) else { throw Self.invalid("contains a NUL byte", text) }
        guard let separator = text.utf8.schemeSeparator else {
            throw Self.invalid("no scheme; write for example file:///path or s3://bucket/key", text)
        }
        let scheme = String(text[..<separator.lowerBound])
        let rest = text[separator.upperBound...]
        switch scheme {
        case "file":
            try self.init(file: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "s3", "s3a":
            try self.init(.s3, bucketAndKey: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "gs":
            try self.init(.gs, bucketAndKey: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "blob":
            try self.init(.blob, bucketAndKey: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "az", "azure":
            try self.init(.az, bucketAndKey: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "abfs", "abfss":
            try self.init(dataLake: rest, text: text, keyMayBeEmpty: keyMayBeEmpty)
        case "https", "http":
            try self.init(
                azureEndpoint: rest, scheme: scheme, text: text, keyMayBeEmpty: keyMayBeEmpty)
        default:
            throw BlobError.unsupportedBackend(
                scheme: Self.printable(scheme, maximumCharacterCount: 32))
        }
    }

    private init(file rest: Substring, text: String, keyMayBeEmpty: Bool) throws(BlobError) {
        var path = rest
        if path.hasPrefix("localhost/") { path = path.dropFirst("localhost".count) }
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw Self.invalid("file URIs hold an absolute path: file:///path", text)
        }
        guard keyMayBeEmpty || path.utf8.count > 1 else {
            throw Self.invalid("the path is empty", text)
        }
        self.init(scheme: .file, container: "", key: String(path))
    }

    private init(
        _ scheme: Scheme, bucketAndKey rest: Substring, text: String, keyMayBeEmpty: Bool
    ) throws(BlobError) {
        let (container, key) = try Self.splitAtSlash(rest, text, keyMayBeEmpty)
        if scheme == .az { try Self.checkAzureContainer(container, text) }
        self.init(scheme: scheme, container: container, key: key)
    }

    /// `abfss://container@account.dfs.core.windows.net/path`; the blob endpoint serves the same.
    private init(dataLake rest: Substring, text: String, keyMayBeEmpty: Bool) throws(BlobError) {
        let (authority, key) = try Self.splitAtSlash(rest, text, keyMayBeEmpty)
        let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let account = Self.azureAccount(host: parts[1]) else {
            throw Self.invalid(
                "write abfss://container@account.dfs.core.windows.net/path", text)
        }
        try Self.checkAzureContainer(String(parts[0]), text)
        self.init(scheme: .az, account: account, container: String(parts[0]), key: key)
    }

    /// `https://account.blob.core.windows.net/container/blob`, or an emulator on loopback
    /// (`http://127.0.0.1:10000/account/container/blob`). Any other host is no backend of ours.
    private init(
        azureEndpoint rest: Substring, scheme: String, text: String, keyMayBeEmpty: Bool
    ) throws(BlobError) {
        // A query would be a shared access signature: a secret, and never part of a name.
        guard !rest.utf8.contains(UInt8(ascii: "?")) else {
            throw BlobError(
                .invalidURI, "an Azure URI must not carry a query: signatures stay in the server",
                origin: .client)
        }
        let (host, path) = try Self.splitAtSlash(rest, text, true)
        if scheme == "https", let account = Self.azureAccount(host: host[...]) {
            let (container, key) = try Self.splitAtSlash(path[...], text, keyMayBeEmpty)
            try Self.checkAzureContainer(container, text)
            self.init(scheme: .az, account: account, container: container, key: key)
            return
        }
        guard Self.isLoopback(host) else { throw BlobError.unsupportedBackend(scheme: scheme) }
        let (account, blob) = try Self.splitAtSlash(path[...], text, true)
        let (container, key) = try Self.splitAtSlash(blob[...], text, keyMayBeEmpty)
        try Self.checkAzureContainer(container, text)
        self.init(
            scheme: .az, account: account, endpoint: "\(scheme)://\(host)", container: container,
            key: key)
    }

    private static func splitAtSlash(
        _ text: Substring, _ whole: String, _ keyMayBeEmpty: Bool
    ) throws(BlobError) -> (container: String, key: String) {
        let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
        let container = String(text[..<(slash ?? text.endIndex)])
        let key = slash.map { String(text[text.utf8.index(after: $0)...]) } ?? ""
        guard !container.isEmpty else {
            throw invalid("the bucket, container or mount is empty", whole)
        }
        guard keyMayBeEmpty || !key.isEmpty else { throw invalid("the key is empty", whole) }
        guard key.utf8.count <= maximumKeyByteCount else {
            throw invalid("the key is longer than \(maximumKeyByteCount) bytes", whole)
        }
        return (container, key)
    }

    private static func azureAccount(host: Substring) -> String? {
        for suffix in [".blob.core.windows.net", ".dfs.core.windows.net"]
        where host.hasSuffix(suffix) && host.utf8.count > suffix.utf8.count {
            let account = host.dropLast(suffix.count)
            return account.contains(".") ? nil : String(account)
        }
        return nil
    }

    private static func isLoopback(_ authority: String) -> Bool {
        let host = authority.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
        return host == "127.0.0.1" || host == "localhost"
    }

    private static func checkAzureContainer(
        _ container: String, _ text: String
    ) throws(BlobError) {
        guard !container.utf8.contains(where: { (UInt8(ascii: "A")...UInt8(ascii: "Z")) ~= $0 })
        else { throw invalid("Azure container names are lower case", text) }
    }

    private static func invalid(_ reason: String, _ text: String) -> BlobError {
        var error = BlobError(.invalidURI, "invalid URI: \(reason)", origin: .client)
        // Whatever follows a question mark may be a signature.
        let visible = text.utf8.firstIndex(of: UInt8(ascii: "?")).map { text[..<$0] } ?? text[...]
        error.uri = printable(String(visible), maximumCharacterCount: 256)
        return error
    }
}

extension String.UTF8View {
    /// Where "://" is, if it follows the first colon: a scheme has none.
    fileprivate var schemeSeparator: Range<Index>? {
        guard let colon = firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let rest = self[index(after: colon)...]
        guard rest.starts(with: "//".utf8) else { return nil }
        return colon..<rest.index(rest.startIndex, offsetBy: 2)
    }
}
