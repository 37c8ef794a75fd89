internal import BlobCore

/// A connection string of Azure Storage: where an account is and what opens it.
struct AzureConnectionString: Sendable {
    let endpoint: AzureEndpoint
    let credentials: AzureCredentials

    /// The account of every emulator. Microsoft publishes its key.
    private static let emulator =
        "AccountName=devstoreaccount1;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
        + "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/"
        + "KBHBeksoGMGw=="

    init(_ text: String) throws(BlobError) {
        var settings = try Self.settings(text)
        if let wanted = settings["usedevelopmentstorage"] {
            guard HTTPHeaders.areEqual(wanted, "true") else {
                throw Self.invalid("UseDevelopmentStorage can only be true")
            }
            settings = try Self.settings(Self.emulator)
        }
        let account = settings["accountname"]
        if let blobEndpoint = settings["blobendpoint"] {
            endpoint = try AzureEndpoint(blobEndpoint, account: account)
        } else if let account {
            let scheme = settings["defaultendpointsprotocol"] ?? "https"
            let domain = settings["endpointsuffix"] ?? AzureEndpoint.publicDomain
            endpoint = try AzureEndpoint("\(scheme)://\(account).blob.\(domain)", account: account)
        } else {
            throw Self.invalid("it has neither AccountName nor BlobEndpoint")
        }
        if let key = settings["accountkey"] {
            credentials = try .sharedKey(account: endpoint.account, key: key)
        } else if let token = settings["sharedaccesssignature"] {
            credentials = try .sasToken(token)
        } else {
            throw Self.invalid("it has neither AccountKey nor SharedAccessSignature")
        }
    }

    /// Names in lower case. Values may have "=" in them.
    private static func settings(_ text: String) throws(BlobError) -> [String: String] {
        var settings: [String: String] = [:]
        for part in text.split(separator: ";") where !part.trimmingWhitespace.isEmpty {
            guard let equals = part.firstIndex(of: "=") else {
                throw invalid("a part of it has no '='")
            }
            let name = SignedHeaders.lowercased(String(part[..<equals].trimmingWhitespace))
            let value = part[part.index(after: equals)...].trimmingWhitespace
            guard settings.updateValue(String(value), forKey: name) == nil else {
                throw invalid("a setting is there twice")
            }
        }
        return settings.filter { !$0.value.isEmpty }
    }

    private static func invalid(_ reason: String) -> BlobError {
        BlobError(
            .backendAuthentication,
            "the Azure connection string cannot be used: \(reason); copy it again, as Azure shows it"
        )
    }
}

extension AzureConnectionString: CustomStringConvertible, CustomReflectable {
    var description: String { "AzureConnectionString(REDACTED)" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
