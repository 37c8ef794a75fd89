internal import BlobCore

/// What proves to Azure Blob who asks. Its description hides it.
struct AzureCredentials: ExpiringCredentials {
    static var serviceName: String { "Azure" }

    enum Kind: Sendable, Hashable {
        case sharedKey(AzureSharedKey)
        /// The query of a shared access signature, without its "?".
        case sasToken(String)
        /// A token of Entra, which is good for every account that its owner may use.
        case token(String)
        /// Requests are not signed. For public containers.
        case anonymous
    }

    let kind: Kind
    /// When they end, by the wall clock; nil when they do not, or do not say so.
    let expiresAt: Timestamp?

    private init(_ kind: Kind, expiresAt: Timestamp? = nil) {
        self.kind = kind
        self.expiresAt = expiresAt
    }

    static let anonymous = AzureCredentials(.anonymous)

    /// - Parameter key: In Base64, as Azure shows it.
    static func sharedKey(account: String, key: String) throws(BlobError) -> AzureCredentials {
        let key = try AzureSigningKey(base64: String(key.trimmingWhitespace))
        return AzureCredentials(.sharedKey(AzureSharedKey(account: account, key: key)))
    }

    /// - Parameter token: With or without the "?" in front.
    static func sasToken(_ token: String) throws(BlobError) -> AzureCredentials {
        var token = token.trimmingWhitespace
        if token.hasPrefix("?") || token.hasPrefix("&") { token = token.dropFirst() }
        var names: [Substring: Substring] = [:]
        for pair in token.split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            names[name] = pair[name.endIndex...].dropFirst()
        }
        guard names["sig"]?.isEmpty == false, names["sv"] != nil,
            token.utf8.allSatisfy({ ASCII.isVisible($0) && $0 != UInt8(ascii: "#") })
        else {
            throw BlobError(
                .backendAuthentication,
                "the Azure SAS token is no query with 'sv' and 'sig'; copy it again, as Azure shows"
                    + " it")
        }
        let end = names["se"].flatMap { PercentEncoding.decodeForm(String($0)) }
        return AzureCredentials(.sasToken(String(token)), expiresAt: end.flatMap(Self.time))
    }

    /// Nil unless a header can carry the token.
    static func token(_ token: String, expiresAt: Timestamp) -> AzureCredentials? {
        guard !token.isEmpty, token.utf8.allSatisfy(ASCII.isVisible) else { return nil }
        return AzureCredentials(.token(token), expiresAt: expiresAt)
    }

    /// The forms that Azure allows: a date, or also a time to the minute or second.
    private static func time(_ text: String) -> Timestamp? {
        Timestamp(iso8601: text) ?? Timestamp(iso8601: "\(text)T00:00:00Z")
            ?? Timestamp(iso8601: "\(text.dropLast()):00Z")
    }
}

extension AzureCredentials: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    var description: String { "AzureCredentials(REDACTED)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

extension AzureCredentials.Kind: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    var description: String { "REDACTED" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}
