internal import BlobCore

/// The key of an account, which may do everything there.
struct AzureSharedKey: Sendable, Hashable {
    let account: String
    let key: AzureSigningKey

    /// The value of the `Authorization` field.
    ///
    /// - Parameter request: With `x-ms-date` and `x-ms-version` among its fields.
    func authorization(_ request: AzureRequest) throws(BlobError) -> String {
        let signature = try key.signature(of: stringToSign(request))
        return "SharedKey \(account):\(signature)"
    }

    func stringToSign(_ request: AzureRequest) -> String {
        var text = request.method
        text += "\n"
        for name in Self.plainFields {
            text += value(of: name, in: request)
            text += "\n"
        }
        text += AzureCanonicalHeaders.text(request.headers)
        text += "/\(account)\(request.encodedPath)"
        text += Self.canonicalQuery(request.query)
        return text
    }

    /// The fields that have a line of their own, in the order of their lines.
    private static let plainFields = [
        "content-encoding", "content-language", "content-length", "content-md5", "content-type",
        "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
    ]

    private func value(of name: String, in request: AzureRequest) -> String {
        switch name {
        // No body and an empty one are the same.
        case "content-length":
            request.contentByteCount == 0 ? "" : String(request.contentByteCount)
        // The date that counts is x-ms-date.
        case "date": ""
        default: request.headers[name] ?? ""
        }
    }

    /// Decoded, sorted by name; the values of one name are one line.
    private static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        var pairs = query.map { pair in
            (name: SignedHeaders.lowercased(pair.name), value: pair.value)
        }
        pairs.sort { left, right in
            left.name.utf8.elementsEqual(right.name.utf8)
                ? left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        var text = ""
        var previousName: String?
        for pair in pairs {
            text += pair.name == previousName ? "," : "\n\(pair.name):"
            text += pair.value
            previousName = pair.name
        }
        return text
    }
}
