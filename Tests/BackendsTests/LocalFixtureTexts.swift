import BlobCore

extension LocalFixture {
    /// Puts `text` at `path`.
    @discardableResult
    func put(_ text: String, at path: String) async throws -> PutResult {
        try await store.put(uri(path), Bytes(utf8: text))
    }

    /// The text of the blob at `path`.
    func text(at path: String) async throws -> String? {
        try await store.get(uri(path)).utf8Text
    }
}
