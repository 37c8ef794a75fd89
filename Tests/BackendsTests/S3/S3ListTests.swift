import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Lists of a store with an order of its own, and of more than one page.
@Suite(.timeLimit(.minutes(10))) struct S3ListTests {
    /// SeaweedFS lists in another order than W-76 wants; still every blob must come, once.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-76 pages of every size have every blob once`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let keys =
                (0..<23).map { "dir-\($0 % 3)/blob-\($0)" }
                + ["x", "dir-1-y", "a/b/c/d", "a-b", "log", "log-1", "log/1", "a b+c%20"]
            for key in keys { try await fixture.backend.put(fixture.uri(key), Bytes(utf8: key)) }
            for pageEntryCount: UInt32 in [1, 2, 7, 30, 31, 1000] {
                let options = ListOptions(pageEntryCount: pageEntryCount)
                let entries = try await fixture.backend.listAll(fixture.uri(""), options: options)
                let found = entries.map { String($0.uri.key.dropFirst(fixture.prefix.count + 1)) }
                #expect(found.sorted() == keys.sorted(), "pages of \(pageEntryCount)")
                for (key, entry) in zip(found, entries) {
                    #expect(entry.byteCount == UInt64(key.utf8.count))
                    #expect(entry.etag.first == "\"" && entry.etag.last == "\"")
                    #expect(entry.lastModified > Timestamp(milliseconds: 1_600_000_000_000))
                }
            }
            for (prefix, count) in [("log", 3), ("log/", 1), ("dir-1", 9), ("none", 0)] {
                let entries = try await fixture.backend.listAll(fixture.uri(prefix))
                #expect(entries.count == count, "below \(prefix)")
            }
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-75 W-76 1001 blobs: two pages, two batches of deletes`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let uris = (0..<1001).map { fixture.uri("blob-\($0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        for index in stride(from: worker, to: uris.count, by: 16) {
                            try await fixture.backend.put(uris[index], Bytes())
                        }
                    }
                }
                try await group.waitForAll()
            }
            let page = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.count == 1000)
            #expect(page.nextPageToken != nil)
            #expect(
                Set(try await fixture.backend.listAll(fixture.uri("")).map(\.uri)).count == 1001)
            let outcomes = try await fixture.backend.delete(
                Array(uris[..<1000]), options: CallOptions())
            #expect(outcomes.count == 1000)
            for outcome in outcomes { _ = try outcome.get() }
            #expect(try await fixture.keys() == ["blob-1000"])
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `a page token that nobody gave out is refused, or begins somewhere`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let options = ListOptions(pageToken: "no token of this server")
            do throws(BlobError) {
                _ = try await fixture.backend.list(fixture.uri(""), options: options)
            } catch {
                #expect(error.code == .invalidArgument, "\(error)")
            }
        }
    }
}
