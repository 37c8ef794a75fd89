internal import BlobCore

/// Audit records as lines of JSON.
enum AuditLine {
    static func text(of record: AuditRecord) -> String {
        var line = "{\"time\":\"\(record.time)\",\"listener\":\(quoted(record.listener))"
        line += ",\"uid\":\(record.userID),\"gid\":\(record.groupID),\"pid\":\(record.processID)"
        line += ",\"operation\":\(quoted(record.operation.map { "\($0)" } ?? "unknown"))"
        if !record.subjects.isEmpty {
            line += ",\"uris\":[\(record.subjects.map(quoted).joined(separator: ","))]"
        }
        line += ",\"received\":\(record.outcome.receivedByteCount)"
        line += ",\"sent\":\(record.outcome.sentByteCount)"
        line += ",\"status\":\(quoted(record.outcome.status.map(\.description) ?? "OK"))"
        return line + ",\"microseconds\":\(record.microseconds)}\n"
    }

    /// What was left out before this line.
    static func text(ofDropped count: UInt64, at time: Timestamp) -> String {
        "{\"time\":\"\(time)\",\"dropped\":\(count)}\n"
    }

    /// A JSON string. Bytes above ASCII stand as they are: the text is valid UTF-8.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
