internal import BlobCore

/// What a URL with a shared access signature allows; the letters are in the service's order.
struct AzurePermissions: OptionSet, Sendable {
    let rawValue: UInt8

    static let read = AzurePermissions(rawValue: 1)
    static let create = AzurePermissions(rawValue: 2)
    static let write = AzurePermissions(rawValue: 4)
    static let delete = AzurePermissions(rawValue: 8)
    static let list = AzurePermissions(rawValue: 16)

    private static let letters: [(AzurePermissions, String)] = [
        (.read, "r"), (.create, "c"), (.write, "w"), (.delete, "d"), (.list, "l"),
    ]

    var text: String {
        var text = ""
        for (permission, letter) in Self.letters where contains(permission) { text += letter }
        return text
    }
}

/// Header fields that the service answers with instead of those of the blob.
struct AzureResponseOverrides: Sendable {
    var cacheControl = ""
    var contentDisposition = ""
    var contentEncoding = ""
    var contentLanguage = ""
    var contentType = ""

    fileprivate var isEmpty: Bool {
        cacheControl.isEmpty && contentDisposition.isEmpty && contentEncoding.isEmpty
            && contentLanguage.isEmpty && contentType.isEmpty
    }

    /// In the order in which they are signed.
    fileprivate var parameters: [(name: String, value: String)] {
        [
            ("rscc", cacheControl), ("rscd", contentDisposition), ("rsce", contentEncoding),
            ("rscl", contentLanguage), ("rsct", contentType),
        ]
    }
}

/// Who signs: the account, or a user to whom the service gave a key.
enum AzureGrantor: Sendable {
    case account(AzureSharedKey)
    case user(AzureDelegationKey)
}

/// A shared access signature of ``AzureService/version`` for one blob or container.
struct AzureSharedAccessSignature: Sendable {
    var resource: AzureResource
    var permissions: AzurePermissions
    /// Nil is the safest: no clock that is behind makes a URL invalid (AZ-04).
    var start: Timestamp?
    /// In whole seconds.
    var expiry: Timestamp
    var overrides = AzureResponseOverrides()

    /// The URL of the resource with the signature in its query, every value encoded, a "+" in the
    /// signature among them (AZ-03).
    func url(by grantor: AzureGrantor) throws(BlobError) -> String {
        var url = AzureSignatureWriter()
        url.append(resource.origin)
        url.append(resource.encodedPath)
        url.append("?")
        try write(by: grantor, to: &url)
        return url.text
    }

    /// The query of ``url(by:)``.
    func query(by grantor: AzureGrantor) throws(BlobError) -> String {
        var query = AzureSignatureWriter()
        try write(by: grantor, to: &query)
        return query.text
    }

    /// Bytes in two buffers and nothing in between, and what is the same for most in one piece: a
    /// signature costs less than the strings would.
    private func write(
        by grantor: AzureGrantor, to query: inout AzureSignatureWriter
    ) throws(BlobError) {
        let permissions = permissions.text
        let start = start?.iso8601Seconds ?? ""
        let expiry = expiry.iso8601Seconds
        let common = Common.of(resource)

        // The order of the lines is the service's; what is not used has an empty one.
        var text = AzureSignatureWriter()
        for line in [permissions, start, expiry, resource.decodedName] { text.append(line: line) }
        query.append(common.queryStart)
        query.append(permissions)
        query.append("st", start)
        query.append("se", expiry)
        query.append(common.queryEnd)
        let key: AzureSigningKey
        switch grantor {
        case .account(let account):
            key = account.key
            text.append("\n")  // a stored access policy
        case .user(let delegation):
            guard self.expiry <= delegation.end else {
                throw BlobError(.presign, "a URL cannot be valid longer than the key that signs it")
            }
            key = delegation.key
            for parameter in delegation.parameters {
                text.append(line: parameter.value)
                query.append(parameter.name, parameter.value)
            }
            text.append("\n\n\n")  // two users and a correlation of Data Lake
        }
        text.append(common.lines)
        if overrides.isEmpty {
            text.append("\n\n\n\n\n")
        } else {
            for (name, value) in overrides.parameters {
                text.append("\n")
                text.append(value)
                query.append(name, value)
            }
        }
        query.append("sig", try key.signature(of: text.bytes))
    }

    /// What only the kind of resource and the scheme decide.
    private struct Common {
        let queryStart: String
        let queryEnd: String
        let lines: String

        private static let all = [false, true].map { isBlob in
            [false, true].map { Common(isBlob: isBlob, isSecure: $0) }
        }

        static func of(_ resource: AzureResource) -> Common {
            all[resource.isBlob ? 1 : 0][resource.origin.hasPrefix("https:") ? 1 : 0]
        }

        private init(isBlob: Bool, isSecure: Bool) {
            let kind = isBlob ? "b" : "c"
            let scheme = isSecure ? "https" : ""
            queryStart = "sv=\(AzureService.version)&sr=\(kind)&sp="
            queryEnd = isSecure ? "&spr=https" : ""
            // Addresses before the scheme; a snapshot and an encryption scope behind the kind.
            lines = "\n\(scheme)\n\(AzureService.version)\n\(kind)\n\n"
        }
    }
}

/// What is signed, or the query that carries it, in the making.
private struct AzureSignatureWriter {
    private(set) var bytes: [UInt8] = []

    init() {
        // Longer names make it grow.
        bytes.reserveCapacity(512)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(line: String) {
        append(line)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// A parameter of a query, unless it has no value.
    mutating func append(_ name: String, _ value: String) {
        guard !value.isEmpty else { return }
        bytes.append(UInt8(ascii: "&"))
        append(name)
        bytes.append(UInt8(ascii: "="))
        PercentEncoding.appendQuery(value, to: &bytes)
    }
}
