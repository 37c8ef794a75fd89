import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Google's own client for Python beside ours, on one server: each reads what the other wrote.
@Suite(.timeLimit(.minutes(10))) struct GCSVendorTests {
    /// An empty one, a small one, a part exactly, a part and a byte, many parts.
    static let byteCounts = [0, 1, 5 << 20, (5 << 20) + 1, 23 << 20]

    private func bytes(_ byteCount: Int) -> Bytes {
        byteCount == 0
            ? Bytes()
            : SeededBody(seed: UInt64(byteCount), byteCount: 24 << 20).bytes.prefix(byteCount)
    }

    @Test(arguments: byteCounts, [WriteCondition.overwrite, .createOnly])
    func `Google's client reads what we wrote`(
        _ byteCount: Int, condition: WriteCondition
    ) async throws {
        try await GCSFixture.with { fixture in
            let body = bytes(byteCount)
            let key = "dir é/blob +\(byteCount)"
            let options = PutOptions(
                condition: condition, contentType: "text/x; charset=utf-8",
                userMetadata: ["colour": "blue", "place": "köln"])
            let result = try await fixture.backend.put(fixture.uri(key), body, options: options)
            // Checked by it against the checksums that the server tells.
            #expect(try await fixture.server.get(fixture.uri(key).key) == body)
            let head = try #require(try await fixture.head(key))
            #expect(head.size == byteCount && head.contentType == "text/x; charset=utf-8")
            #expect(head.generation == result.version)
            #expect(head.metadata["colour"] == "blue")
            #expect(head.metadata["place"] == "=?UTF-8?B?a8O2bG4=?=")
            #expect(head.crc32c != nil)
            #expect(try await fixture.keys() == [key])
        }
    }

    @Test(arguments: byteCounts)
    func `we read what Google's client wrote`(_ byteCount: Int) async throws {
        try await GCSFixture.with { fixture in
            let body = bytes(byteCount)
            let key = "dir é/blob +\(byteCount)"
            try await fixture.server.put(
                fixture.uri(key).key, body, contentType: "text/y", metadata: ["colour": "red"])
            let (metadata, read) = try await fixture.backend.get(
                fixture.uri(key), options: GetOptions())
            #expect(read == body)
            #expect(metadata.contentType == "text/y" && metadata.userMetadata == ["colour": "red"])
            #expect(metadata.version == (try await fixture.head(key))?.generation)
            let page = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.map(\.byteCount) == [UInt64(byteCount)])
            #expect(page.entries.first?.etag == metadata.etag)
            if byteCount > 10 {
                #expect(
                    try await fixture.backend.get(fixture.uri(key), range: .suffix(10))
                        == body.dropFirst(byteCount - 10))
            }
            #expect(try await fixture.backend.delete(fixture.uri(key)).existed == true)
            #expect(try await fixture.keys() == [])
        }
    }

    @Test func `both list the same, in the same order`() async throws {
        try await GCSFixture.with { fixture in
            let keys = ["a", "a-b", "a/b", "a/c", "b", "é", "😀", "z&<>\"'", "Ａ"]
            for key in keys.shuffled() {
                try await fixture.backend.put(fixture.uri(key), Bytes(utf8: key))
            }
            var found: [String] = []
            var options = ListOptions(pageEntryCount: 2)
            repeat {
                let page = try await fixture.backend.list(fixture.uri(""), options: options)
                found += page.entries.map { String($0.uri.key.dropFirst(fixture.prefix.count + 1)) }
                options.pageToken = page.nextPageToken
            } while options.pageToken != nil
            #expect(
                found == keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
            #expect(try await fixture.keys() == found)
        }
    }
}
