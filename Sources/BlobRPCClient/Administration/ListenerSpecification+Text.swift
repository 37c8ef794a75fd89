internal import BlobCore

extension ListenerSpecification {
    /// The specification as JSON, which is YAML too, with the keys of docs/configuration.md. The same
    /// specification has the same text.
    public var text: String {
        var listener = SpecificationText()
        listener.add("path", path)
        let digits = String(mode, radix: 8)
        listener.add("mode", String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
        if isReadOnly { listener.add("readOnly", json: "true") }
        listener.add("maximumConnections", json: maximumConnectionCount.map { "\($0)" })
        listener.add("maximumConcurrentCalls", json: maximumConcurrentCallCount.map { "\($0)" })
        listener.add("maximumCallSeconds", json: maximumCallSeconds.map { "\($0)" })
        listener.add("policy", json: policyText)
        return listener.object
    }

    private var policyText: String {
        var policy = SpecificationText()
        policy.add("trust", trust.rawValue)
        policy.add("grants", json: grants.map { Self.list($0.map(Self.text)) })
        policy.add("presign", json: signing.map(Self.text))
        policy.add("maximumBlobBytes", json: maximumBlobByteCount.map { "\($0)" })
        policy.add("connectionsPerSecond", json: connectionRate.map { "\($0.perSecond)" })
        policy.add("connectionBurst", json: connectionRate?.burst.map { "\($0)" })
        policy.add("callsPerSecond", json: callRate.map { "\($0.perSecond)" })
        policy.add("callBurst", json: callRate?.burst.map { "\($0)" })
        policy.add("bytesPerSecond", json: byteRate.map { "\($0.perSecond)" })
        policy.add("byteBurst", json: byteRate?.burst.map { "\($0)" })
        policy.add("maximumCalls", json: maximumCallCount.map { "\($0)" })
        policy.add("memoryBytes", json: memoryByteCount.map { "\($0)" })
        policy.add("maximumUploads", json: maximumUploadCount.map { "\($0)" })
        policy.add("users", json: userIDs.map { Self.list($0.sorted().map { "\($0)" }) })
        policy.add("groups", json: groupIDs.map { Self.list($0.sorted().map { "\($0)" }) })
        policy.add("abortUploads", json: abortsUploads.map { "\($0)" })
        return policy.object
    }

    private static func text(_ grant: Grant) -> String {
        var text = SpecificationText()
        text.add("prefix", grant.prefix.description)
        text.add("operations", json: list(grant.operations.map(SpecificationText.quoted)))
        return text.object
    }

    private static func text(_ signing: Signing) -> String {
        var text = SpecificationText()
        text.add("maximumSeconds", json: "\(signing.maximumSeconds)")
        text.add("methods", json: list(signing.methods.map(SpecificationText.quoted)))
        return text.object
    }

    private static func list(_ elements: [String]) -> String {
        "[" + elements.joined(separator: ",") + "]"
    }
}

/// An object of JSON while it is written.
private struct SpecificationText {
    private var fields: [String] = []

    /// The object so far.
    var object: String { "{" + fields.joined(separator: ",") + "}" }

    mutating func add(_ key: String, _ text: String) {
        add(key, json: Self.quoted(text))
    }

    /// A value that is JSON already; nil for a key that is left out.
    mutating func add(_ key: String, json: String?) {
        if let json { fields.append("\"\(key)\":\(json)") }
    }

    /// In quotes. What YAML does not take as it is, or takes for the end of a line, is escaped in
    /// the way that both understand.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C:
                result += "\\"
                result.unicodeScalars.append(scalar)
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
