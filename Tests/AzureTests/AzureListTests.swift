import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Lists, where Azure's differ from what is promised.
@Suite(.timeLimit(.minutes(10))) struct AzureListTests {
    private func keys(_ fixture: AzureFixture, _ options: ListOptions) async throws -> [String] {
        try await fixture.backend.listAll(fixture.uri(""), options: options)
            .map { String($0.uri.key.dropFirst(fixture.prefix.count + 1)) }
    }

    @Test func `CM-11 names that XML cannot carry come back byte for byte`() async throws {
        try await AzureFixture.with { fixture in
            // A plus sign stays one, and so does what looks encoded.
            let names = ["a\u{1}b+c", "d\u{FFFE}/%41", "plain+%2B", "tab\tend"]
            for name in names { try await fixture.backend.put(fixture.uri(name), Bytes()) }
            let found = try await keys(fixture, ListOptions())
            #expect(Set(found.map { Array($0.utf8) }) == Set(names.map { Array($0.utf8) }))
            let page = try await fixture.backend.list(
                fixture.uri("d"), options: ListOptions(delimiter: "/"))
            #expect(page.commonPrefixes.map(\.key) == [fixture.key("d\u{FFFE}/")])
            let outcomes = try await fixture.backend.delete(
                names.map(fixture.uri), options: CallOptions())
            for outcome in outcomes { #expect(try outcome.get().existed == true) }
        }
    }

    @Test func `W-76 a prefix counts after a key when one of its keys does`() async throws {
        try await AzureFixture.with { fixture in
            for name in ["a/1", "a/2", "b/1", "c"] {
                try await fixture.backend.put(fixture.uri(name), Bytes())
            }
            for (after, prefixes, entries) in [
                ("a/1", ["a/", "b/"], ["c"]), ("a/2", ["b/"], ["c"]), ("a", ["a/", "b/"], ["c"]),
                ("b/1", [], ["c"]), ("c", [], []), ("b0", [], ["c"]),
            ] as [(String, [String], [String])] {
                for pageEntryCount: UInt32 in [1, 1000] {
                    var options = ListOptions(
                        delimiter: "/", startAfter: fixture.key(after),
                        pageEntryCount: pageEntryCount)
                    var found: [String] = []
                    var foundPrefixes: [String] = []
                    repeat {
                        let page = try await fixture.backend.list(
                            fixture.uri(""), options: options)
                        found += page.entries.map(\.uri.key)
                        foundPrefixes += page.commonPrefixes.map(\.key)
                        options.pageToken = page.nextPageToken
                    } while options.pageToken != nil
                    #expect(found == entries.map(fixture.key), "after \(after)")
                    #expect(foundPrefixes == prefixes.map(fixture.key), "after \(after)")
                }
            }
        }
    }

    @Test func `an empty page that is not the last is passed over`() async throws {
        try await AzureFixture.with { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            _ = try await fixture.fault(
                .list,
                [
                    "status": 200,
                    "body":
                        "<EnumerationResults><Blobs/><NextMarker>2!</NextMarker></EnumerationResults>",
                ])
            #expect(try await keys(fixture, ListOptions()) == ["blob"])
            #expect(try await fixture.requests(.list).count == 2)
        }
    }

    @Test func `directories of accounts with a hierarchy are no blobs`() async throws {
        try await AzureFixture.with { fixture in
            func blob(_ name: String, _ more: String) -> String {
                "<Blob><Name>\(name)</Name><Properties><Content-Length>0</Content-Length>"
                    + "<Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT</Last-Modified>\(more)"
                    + "</Properties></Blob>"
            }
            let directory = blob("d", "<ResourceType>directory</ResourceType>")
            let file = blob("d/f", "<ResourceType>file</ResourceType><Etag>0x1</Etag>")
            _ = try await fixture.fault(
                .list,
                [
                    "status": 200,
                    "body": .text(
                        "<EnumerationResults><Blobs>\(directory)\(file)</Blobs><NextMarker/>"
                            + "</EnumerationResults>"),
                ])
            let page = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.map(\.uri.key) == ["d/f"])
            #expect(page.entries.first?.etag == "\"0x1\"")
        }
    }

    /// What is no listing, or only half of one.
    static let broken = [
        "<EnumerationResults/>", "<ListBucketResult/>",
        "<EnumerationResults><Blobs><Blob/></Blobs>"
            + "</EnumerationResults>", "<EnumerationResults><Blobs>",
        "<EnumerationResults><Blobs><BlobPrefix/></Blobs></EnumerationResults>",
        "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties><Content-Length>-1"
            + "</Content-Length><Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT</Last-Modified>"
            + "</Properties></Blob></Blobs></EnumerationResults>",
        "<EnumerationResults><Blobs><Blob><Name Encoded=\"true\">%zz</Name><Properties>"
            + "<Content-Length>1</Content-Length><Last-Modified>Fri, 02 Jan 2026 03:04:05 GMT"
            + "</Last-Modified></Properties></Blob></Blobs></EnumerationResults>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><EnumerationResults>&b;</EnumerationResults>", "", "x",
    ]

    @Test(arguments: broken)
    func `CM-11 a listing that makes no sense is an error and not an empty page`(
        _ document: String
    ) async throws {
        try await AzureFixture.with { fixture in
            _ = try await fixture.fault(
                .list, ["status": 200, "body": .text(document)], times: 100)
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            }
        }
    }

    @Test func `a token of somebody else is refused`() async throws {
        try await AzureFixture.with { fixture in
            await expectError(.invalidArgument) {
                _ = try await fixture.backend.list(
                    fixture.uri(""), options: ListOptions(pageToken: "1!no&token=ours"))
            }
        }
    }
}
