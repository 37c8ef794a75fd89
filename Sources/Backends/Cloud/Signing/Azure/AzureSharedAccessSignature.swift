internal import BlobCore

/// What a URL with a shared access signature allows; the letters are in the service's order.
struct AzurePermissions: OptionSet, Sendable {
    let rawValue: UInt8

    static let read = AzurePermissions(rawValue: 1)
    static let create = AzurePermissions(rawValue: 2)
    static let write = AzurePermissions(rawValue: 4)
    static let delete = AzurePermissions(rawValue: 8)
    static let list = AzurePermissions(rawValue: 16)

    private static let letters: [(AzurePermissions, Character)] = [
        (.read, "r"), (.create, "c"), (.write, "w"), (.delete, "d"), (.list, "l"),
    ]

    var text: String {
        String(Self.letters.compactMap { contains($0.0) ? $0.1 : nil })
    }
}

/// Header fields that the service answers with instead of those of the blob.
struct AzureResponseOverrides: Sendable {
    var cacheControl = ""
    var contentDisposition = ""
    var contentEncoding = ""
    var contentLanguage = ""
    var contentType = ""

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

    /// The query of the URL, with every value encoded, a "+" in the signature among them (AZ-03).
    func query(by grantor: AzureGrantor) throws(BlobError) -> String {
        let permissions = permissions.text
        let start = start?.iso8601Seconds ?? ""
        let expiry = expiry.iso8601Seconds
        let scheme = resource.origin.hasPrefix("https:") ? "https" : ""
        let kind = resource.isBlob ? "b" : "c"
        let overrides = overrides.parameters

        // The order of the lines is the service's; what is not used has an empty one.
        var text = "\(permissions)\n\(start)\n\(expiry)\n\(resource.decodedName)\n"
        var query = "sv=\(AzureService.version)&sr=\(kind)&sp=\(permissions)"
        Self.append("st", start, to: &query)
        Self.append("se", expiry, to: &query)
        Self.append("spr", scheme, to: &query)
        let key: AzureSigningKey
        switch grantor {
        case .account(let account):
            key = account.key
            text += "\n"  // a stored access policy
        case .user(let delegation):
            guard self.expiry <= delegation.end else {
                throw BlobError(.presign, "a URL cannot be valid longer than the key that signs it")
            }
            key = delegation.key
            for parameter in delegation.parameters {
                text += parameter.value
                text += "\n"
                Self.append(parameter.name, parameter.value, to: &query)
            }
            text += "\n\n\n"  // two users and a correlation of Data Lake
        }
        // Addresses before the scheme; a snapshot and an encryption scope behind the kind.
        text += "\n\(scheme)\n\(AzureService.version)\n\(kind)\n\n"
        for (name, value) in overrides {
            text += "\n"
            text += value
            Self.append(name, value, to: &query)
        }
        Self.append("sig", try key.signature(of: text), to: &query)
        return query
    }

    private static func append(_ name: String, _ value: String, to query: inout String) {
        guard !value.isEmpty else { return }
        query += "&"
        query += name
        query += "="
        query += PercentEncoding.query(value)
    }
}
