import BlobCore
import Testing

/// Expects `body` to throw a `BlobError` with `code`; returns it.
@discardableResult
func expectError(
    _ code: BlobError.Code, sourceLocation: SourceLocation = #_sourceLocation,
    from body: () async throws -> Void
) async -> BlobError? {
    do {
        try await body()
        Issue.record("expected \(code), nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as BlobError {
        #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("untyped error \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

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
