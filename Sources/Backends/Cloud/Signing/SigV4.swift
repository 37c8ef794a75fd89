internal import Backends
internal import BlobCore

/// The constants and canonical forms of AWS Signature V4.
enum SigV4 {
    static let algorithm = "AWS4-HMAC-SHA256"
    /// Stands for the hash of a body that TLS protects instead (S3-05).
    static let unsignedPayload = "UNSIGNED-PAYLOAD"
    /// The SHA-256 of no bytes at all.
    static let emptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    /// The longest time that a presigned URL may be valid: seven days.
    static let maximumValidSeconds: UInt32 = 604_800

    /// The hexadecimal SHA-256 of a body in pieces.
    static func payloadHash(_ pieces: [Bytes]) throws(BlobError) -> String {
        guard !pieces.isEmpty else { return emptyPayloadHash }
        let digest = try SHA256Digest()
        for piece in pieces {
            try piece.withUnsafeBytes { bytes throws(BlobError) in try digest.update(bytes) }
        }
        return HexText.text(of: try digest.finish())
    }

    /// The query as it is signed and as it goes on the wire: encoded, then sorted by name and
    /// value; a name without a value gets its "=" (S3-04).
    static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        var result = ""
        for (name, value) in sortedAndEncoded(query) {
            if !result.isEmpty { result += "&" }
            result += name
            result += "="
            result += value
        }
        return result
    }

    /// The canonical query with one more name, before and after where its value goes. The name sorts
    /// to wherever it sorts to; it has unreserved characters only.
    static func canonicalQuery(
        _ query: [(name: String, value: String)], around name: String
    ) -> (before: String, after: String) {
        let sorted = sortedAndEncoded(query.filter { $0.name != name } + [(name, "")])
        let position = sorted.firstIndex { $0.name == name } ?? 0
        var before = ""
        for pair in sorted[..<position] { before += "\(pair.name)=\(pair.value)&" }
        before += "\(name)="
        var after = ""
        for pair in sorted[(position + 1)...] { after += "&\(pair.name)=\(pair.value)" }
        return (before, after)
    }

    /// Encoded text is ASCII, where comparing strings compares bytes.
    static func sortedAndEncoded(
        _ query: [(name: String, value: String)]
    ) -> [(name: String, value: String)] {
        var encoded = query.map { pair in
            (name: PercentEncoding.query(pair.name), value: PercentEncoding.query(pair.value))
        }
        encoded.sort { left, right in
            left.name == right.name ? left.value < right.value : left.name < right.name
        }
        return encoded
    }

    /// When a URL presigned at `time` really ends: temporary credentials end its life early
    /// (S3-19).
    static func expiry(
        presignedAt time: Timestamp, validSeconds: UInt32, credentials: AWSCredentials
    ) -> Timestamp {
        let asked = Timestamp(milliseconds: time.milliseconds &+ Int64(validSeconds) &* 1000)
        guard let end = credentials.expiresAt else { return asked }
        return min(asked, end)
    }
}
