internal import Testing

/// What the real servers are known to do wrong. A test that meets such a defect must fail because of
/// it: a server that was repaired is noticed, and nothing is skipped.
public enum S3ServerDefects {
    private static let known: [S3TestServer.Kind: [String: Comment]] = [
        .seaweedfs: [:],
        .ministack: [:],
    ]

    /// Runs `body`, which is expected to fail where `kind` is known to be wrong.
    public static func expecting(
        _ kind: S3TestServer.Kind, _ behaviour: String, _ body: () async throws -> Void
    ) async throws {
        guard let defect = known[kind]?[behaviour] else { return try await body() }
        await withKnownIssue(defect) { try await body() }
    }
}
