internal import BlobCore

/// A key that the service gave to a user, so that he can sign URLs (AZ-13).
struct AzureDelegationKey: ExpiringCredentials {
    static var serviceName: String { "Azure delegation" }

    let key: AzureSigningKey
    /// What of the key stands in each signature, as the service wrote it.
    let parameters: [Parameter]
    /// No URL signed with it is valid longer.
    let end: Timestamp
    /// How long before its end it is put away.
    let restMilliseconds: Int64

    struct Parameter: Sendable, Hashable {
        var name: String
        var value: String
    }

    var expiresAt: Timestamp? {
        Timestamp(milliseconds: end.milliseconds &- restMilliseconds)
    }

    /// From the element in the answer to each parameter, in the order in which they are signed.
    private static let elements = [
        ("SignedOid", "skoid"), ("SignedTid", "sktid"), ("SignedStart", "skt"),
        ("SignedExpiry", "ske"), ("SignedService", "sks"), ("SignedVersion", "skv"),
    ]

    /// Reads the answer to ``AzureDelegationKeyRequest``; nil when it is none.
    init?(parsing document: Bytes, restMilliseconds: Int64 = 0) {
        guard let root = try? XMLElement(parsing: document), root.name == "UserDelegationKey"
        else { return nil }
        var parameters: [Parameter] = []
        for (element, name) in Self.elements {
            guard let value = root.text(of: element)?.trimmingWhitespace, !value.isEmpty,
                value.utf8.allSatisfy(ASCII.isVisible)
            else { return nil }
            parameters.append(Parameter(name: name, value: String(value)))
        }
        guard let end = Timestamp(iso8601: parameters[3].value),
            let value = root.text(of: "Value")?.trimmingWhitespace,
            let key = try? AzureSigningKey(base64: String(value))
        else { return nil }
        self.key = key
        self.parameters = parameters
        self.end = end
        self.restMilliseconds = restMilliseconds
    }
}

extension AzureDelegationKey: CustomStringConvertible, CustomReflectable {
    var description: String { "AzureDelegationKey(REDACTED)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// Asks the service for a key: a `POST` to the service itself, authorised by a token.
struct AzureDelegationKeyRequest: Sendable {
    var start: Timestamp
    var end: Timestamp

    static let query: [(name: String, value: String)] = [
        ("restype", "service"), ("comp", "userdelegationkey"),
    ]

    var body: Bytes {
        Bytes(
            utf8: """
                <?xml version="1.0" encoding="utf-8"?>
                <KeyInfo><Start>\(start.iso8601Seconds)</Start>\
                <Expiry>\(end.iso8601Seconds)</Expiry></KeyInfo>
                """)
    }
}
