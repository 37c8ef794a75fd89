internal import Testing

/// What the real servers are known to do wrong, each seen with another client too. A behaviour that
/// meets such a defect has to fail: a server that was repaired is noticed, and nothing is skipped.
public enum S3ServerDefects {
    private static let known: [S3TestServer.Kind: [String: Comment]] = [
        .seaweedfs: [
            "W-76 a list has every blob once, in order of the keys' bytes": order,
            "W-76 a prefix is a prefix of bytes, not of path segments": order,
            "W-76 prefixes inside and at the end of segments": order,
            "W-76 pages of every size add up to the whole list": order,
            "W-76 startAfter leaves out what comes up to it":
                "start-after 'a' leaves out all of the directory 'a', also 'a/1'",
            "CM-12 odd keys are taken byte for byte":
                "'back\\slash' is listed as 'back/slash'",
        ],
        .ministack: [
            "CM-06 W-71 ranges of an empty blob":
                "the last 5 bytes of an empty blob are answered as 'bytes 0--1/0'"
        ],
    ]

    private static let order: Comment = "lists directory by directory: 'a/b' before 'a-b'"

    /// How often races are run there: a lost race for one blob makes SeaweedFS wait for whole seconds.
    public static let raceCount = 2

    /// Runs `body`, which is expected to fail where `kind` is known to be wrong.
    public static func expecting(
        _ kind: S3TestServer.Kind, _ behaviour: String, _ body: () async throws -> Void
    ) async throws {
        guard let defect = known[kind]?[behaviour] else { return try await body() }
        await withKnownIssue(defect) { try await body() }
    }
}
