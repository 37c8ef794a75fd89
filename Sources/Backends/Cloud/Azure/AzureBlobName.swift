internal import BlobCore

/// A container, or a blob in it, of the account that is configured (AZ-01).
struct AzureBlobName: Sendable {
    static let maximumCharacterCount = 1024

    let container: String
    /// Verbatim; empty for the container.
    let key: String
}

extension AzureBlobName {
    /// - Throws: `invalidURI` for names that Azure cannot have, `unsupportedBackend` for another
    ///   account or emulator: what is sent there would go with the credentials of this one.
    init(_ uri: BlobURI, at endpoint: AzureEndpoint) throws(BlobError) {
        guard uri.scheme == .az else {
            throw .unsupportedBackend(scheme: uri.scheme.rawValue).on(uri)
        }
        guard uri.account.map({ $0 == endpoint.account }) ?? true,
            uri.endpoint.map({ $0 == endpoint.origin }) ?? true
        else {
            throw BlobError(
                .unsupportedBackend,
                "the URI names another Azure account or endpoint than this server has; write"
                    + " az://container/blob for the one that is configured",
                uri: uri)
        }
        guard Self.isContainerName(uri.container) else {
            throw BlobError(
                .invalidURI,
                "Azure containers have 3 to 63 lower-case letters, digits and single hyphens, none"
                    + " of these at an end",
                uri: uri, origin: .client)
        }
        // Most have no more bytes, and these are counted already.
        guard
            uri.key.utf8.count <= Self.maximumCharacterCount
                || uri.key.unicodeScalars.count <= Self.maximumCharacterCount
        else {
            throw BlobError(
                .invalidURI,
                "Azure blob names have at most \(Self.maximumCharacterCount) characters",
                uri: uri, origin: .client)
        }
        guard !Self.isRewritten(uri.key.utf8) else { throw Self.rewritten(uri) }
        self.init(container: uri.container, key: uri.key)
    }

    /// A prefix of such names. What is behind its last slash can be the beginning of any: "." that of
    /// ".hidden".
    static func checkPrefix(_ uri: BlobURI) throws(BlobError) {
        let key = uri.key.utf8
        let end = key.lastIndex(of: UInt8(ascii: "/")) ?? key.startIndex
        guard !key.contains(UInt8(ascii: "\\")), !KeySegments.haveDots(key[..<end]) else {
            throw rewritten(uri)
        }
    }

    /// CM-12: Azure stores such a name as another one, which its writer may have no grant for: it
    /// takes a backslash for a slash, and resolves segments of dots as URLs have them.
    private static func isRewritten(_ key: String.UTF8View) -> Bool {
        key.contains(UInt8(ascii: "\\")) || KeySegments.haveDots(key)
    }

    private static func rewritten(_ uri: BlobURI) -> BlobError {
        BlobError(
            .invalidURI,
            "Azure takes '\\' for '/' and resolves '.' and '..' between slashes: it would be another"
                + " blob; choose a name without them",
            uri: uri, origin: .client)
    }

    static func isContainerName(_ name: String) -> Bool {
        if name.utf8.first == UInt8(ascii: "$") {
            return ["$root", "$web", "$logs"].contains(name)
        }
        let hyphen = UInt8(ascii: "-")
        // As after a hyphen, so none begins a name.
        var previous = hyphen
        for byte in name.utf8 {
            let isPlain = (0x61...0x7A).contains(byte) || ASCII.digitValue(byte) != nil
            guard isPlain || (byte == hyphen && previous != hyphen) else { return false }
            previous = byte
        }
        return previous != hyphen && (3...63).contains(name.utf8.count)
    }
}

/// A container or blob as it stands in URLs and in what is signed (AZ-02).
struct AzureResource: Sendable {
    let origin: String
    /// As it goes on the wire and, behind the account, into signatures of requests.
    let encodedPath: String
    /// What a shared access signature is for: with the name as it is, not as a URL has it.
    let decodedName: String
    let isBlob: Bool

    var url: String { origin + encodedPath }
}

extension AzureEndpoint {
    func resource(_ name: AzureBlobName) -> AzureResource {
        var path = "\(accountPath)/\(PercentEncoding.query(name.container))"
        var decodedName = "/blob/\(account)/\(name.container)"
        if !name.key.isEmpty {
            path += "/\(PercentEncoding.path(name.key))"
            decodedName += "/\(name.key)"
        }
        return AzureResource(
            origin: origin, encodedPath: path, decodedName: decodedName, isBlob: !name.key.isEmpty)
    }

    /// The service itself, for requests that name no container.
    var servicePath: String { accountPath.isEmpty ? "/" : accountPath }
}
