public import BlobCore
public import Testing

/// Expects `body` to throw a `BlobError` with one of `codes`; returns it.
@discardableResult
public func expectError(
    _ codes: BlobError.Code..., sourceLocation: SourceLocation = #_sourceLocation,
    from body: () async throws -> Void
) async -> BlobError? {
    do {
        try await body()
        Issue.record("expected \(codes), nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as BlobError {
        #expect(codes.contains(error.code), "\(error)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("untyped error \(error)", sourceLocation: sourceLocation)
    }
    return nil
}

extension Bytes {
    /// The bytes of all `pieces`, one after the other.
    public static func joined(_ pieces: [Bytes]) -> Bytes {
        var builder = BytesBuilder()
        for piece in pieces { builder.append(piece) }
        return builder.freeze()
    }
}
