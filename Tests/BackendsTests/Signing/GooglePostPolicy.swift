import BlobCore

@testable import CloudBackends

/// The document that a signed form carries, as Google's conformance tests want it.
struct GooglePostPolicy {
    let date: String
    let credential: String
    /// The JSON that is signed: ASCII only.
    let text: String
    /// The same with its characters as they are.
    let decodedText: String

    struct BadTime: Error {}

    init(_ input: GooglePolicyVector.Input, email: String) throws {
        guard let time = Timestamp(iso8601: input.timestamp) else { throw BadTime() }
        let scope = GoogleV4Scope(time)
        let credential = "\(email)/\(scope.text)"
        let end = Timestamp(milliseconds: time.milliseconds + input.expiration * 1000)
        let pairs =
            (input.fields ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + [
                ("bucket", input.bucket), ("key", input.object),
                ("x-goog-date", scope.dateAndTime), ("x-goog-credential", credential),
                ("x-goog-algorithm", GoogleV4.algorithm),
            ]
        func document(_ escape: (String) -> String) -> String {
            var conditions: [String] = []
            if let start = input.conditions?.startsWith {
                let words = (["starts-with"] + start).map { "\"\(escape($0))\"" }
                conditions.append("[\(words.joined(separator: ","))]")
            }
            if let range = input.conditions?.contentLengthRange {
                let bounds = range.map(String.init).joined(separator: ",")
                conditions.append("[\"content-length-range\",\(bounds)]")
            }
            for (name, value) in pairs { conditions.append("{\"\(name)\":\"\(escape(value))\"}") }
            return "{\"conditions\":[\(conditions.joined(separator: ","))],"
                + "\"expiration\":\"\(end.description.prefix(19))Z\"}"
        }
        date = scope.dateAndTime
        self.credential = credential
        text = document(Self.escaped)
        decodedText = document { $0 }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5C: result += "\\\(Unicode.Scalar(UInt8(unit)))"
            case 0x20..<0x7F: result += String(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }
}
