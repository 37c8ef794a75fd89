import BlobCore
import Testing

@testable import BlobRPCServer

/// Which names a grant covers: bytes and whole segments, nothing like them.
@Suite struct PolicyGrantTests {
    private func grant(_ prefix: String) throws -> PolicyGrant {
        PolicyGrant([.get], on: try BlobURI(parsingPrefix: prefix))
    }

    @Test(
        "W-90 a grant covers its blob and what lies below",
        arguments: [
            ("blob://data/team", "team", true), ("blob://data/team", "team/x", true),
            ("blob://data/team", "team//x", true), ("blob://data/team", "team/", true),
            ("blob://data/team", "teamwork", false), ("blob://data/team", "teamwork/x", false),
            ("blob://data/team", "Team/x", false), ("blob://data/team", "tea", false),
            ("blob://data/team", "team%2fx", false), ("blob://data/team", "/team/x", false),
            ("blob://data/team", "", false), ("blob://data/team/", "team/x", true),
            ("blob://data/team/", "team", false), ("blob://data/team/", "teamwork", false),
            ("blob://data", "anything/at/all", true), ("blob://data", "", true),
            // One letter, written in two ways, is two names.
            ("blob://data/caf\u{E9}", "cafe\u{301}/x", false),
            ("blob://data/caf\u{E9}", "caf\u{E9}/x", true),
        ])
    func covers(prefix: String, key: String, expected: Bool) throws {
        let uri = BlobURI(scheme: .blob, container: "data", key: key)
        #expect(try grant(prefix).covers(uri) == expected)
    }

    @Test func `W-90 the same key in another container, scheme or account is not covered`() throws {
        let ofMount = try grant("blob://data/team")
        for text in [
            "blob://date/team/x", "s3://data/team/x", "file:///team/x", "gs://data/team/x",
        ] {
            #expect(!ofMount.covers(try BlobURI(parsing: text)), "\(text)")
        }
        let ofContainer = try grant("az://box/team")
        #expect(ofContainer.covers(try BlobURI(parsing: "az://box/team/x")))
        let other = try BlobURI(parsing: "https://account.blob.core.windows.net/box/team/x")
        #expect(!ofContainer.covers(other))
    }

    @Test(
        "W-92 a listing is covered when all that it can show is",
        arguments: [
            ("team/", "team/", true), ("team", "team/", true), ("team", "team/su", true),
            ("team", "team", false), ("team/", "team", false), ("team", "", false),
            ("team", "teamwork/", false), ("", "", true), ("", "x", true),
        ])
    func coversAll(granted: String, listed: String, expected: Bool) throws {
        let listed = BlobURI(scheme: .blob, container: "data", key: listed)
        let grant = PolicyGrant([.list], on: listed.replacingKey(granted))
        #expect(grant.coversAll(of: listed) == expected)
    }
}
