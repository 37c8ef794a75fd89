internal import BlobCore
internal import FoundationEssentials

/// JSON that holds credentials.
enum CredentialDocument {
    /// Nil when it is no such document. The decoder's error would quote it, so it is dropped.
    static func decode<Document: Decodable>(_ type: Document.Type, from bytes: Bytes) -> Document? {
        let data = bytes.withUnsafeBytes { Data($0) }
        return try? JSONDecoder().decode(type, from: data)
    }

    /// The document as text.
    static func encode(_ document: some Encodable) throws(CredentialFailure) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else {
            throw CredentialFailure("the request cannot be written as JSON")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
