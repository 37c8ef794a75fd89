internal import BlobCore
internal import FoundationEssentials

/// JSON that holds credentials.
enum CredentialDocument {
    /// Nil when it is no such document. The decoder's error would quote it, so it is dropped.
    static func decode<Document: Decodable>(_ type: Document.Type, from bytes: Bytes) -> Document? {
        let data = bytes.withUnsafeBytes { Data($0) }
        return try? JSONDecoder().decode(type, from: data)
    }
}
