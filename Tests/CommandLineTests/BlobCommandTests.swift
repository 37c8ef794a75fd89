import BlobCore
import Synchronization
import Testing

@testable import blobctl

@Suite struct BlobCommandTests {
    let harness = Harness()

    private var lines: [String] { harness.output.text.split(separator: "\n").map(String.init) }

    @Test func stat() async throws {
        harness.store.insert("s3://b/k", pattern(2048), metadata: ["who": "me\n"])
        try await harness.run("stat", "s3://b/k")
        #expect(
            harness.output.text == """
                uri:      s3://b/k
                size:     2048 bytes (2.0 KiB)
                etag:     "1"
                modified: 1970-01-01T00:00:00.000Z
                metadata: who=me\\u{a}

                """)
        #expect(
            await harness.status { try await harness.run("stat", "s3://b/none") } == .notFound)
    }

    @Test func statJSON() async throws {
        harness.store.insert("s3://b/k", [1], metadata: ["who": "me\n"])
        try await harness.run("--json", "stat", "s3://b/k")
        #expect(
            harness.output.text
                == #"{"uri":"s3://b/k","byte_count":1,"etag":"\"1\"","last_modified":"#
                + #""1970-01-01T00:00:00.000Z","content_type":null,"version":null,"#
                + #""metadata":{"who":"me\n"}}"# + "\n")
    }

    @Test func list() async throws {
        for key in ["a", "b/1", "b/2", "c"] { harness.store.insert("s3://b/\(key)", [1]) }
        try await harness.run("ls", "s3://b/")
        let names = lines.compactMap { $0.split(separator: " ").last }
        #expect(names == ["s3://b/a", "s3://b/b/", "s3://b/c"])
        // The columns of blobs and prefixes stand below each other.
        let places = lines.map { $0.prefix { $0 != "s" }.count }
        #expect(Set(places).count == 1)
    }

    @Test func listRecursivelyAsJSON() async throws {
        for key in ["a", "b/1"] { harness.store.insert("s3://b/\(key)", [1]) }
        try await harness.run("ls", "-r", "--json", "s3://b/b")
        let expected =
            #"{"type":"blob","uri":"s3://b/b/1","byte_count":1,"etag":"\"2\"","#
            + #""last_modified":"1970-01-01T00:00:00.000Z"}"# + "\n"
        #expect(harness.output.text == expected)
        try await harness.run("ls", "--json", "s3://b/b")
        #expect(lines.last == #"{"type":"prefix","uri":"s3://b/b/"}"#)
    }

    @Test(arguments: [(0, 0, 0), (1, 1, 1), (1000, 1000, 1), (1001, 1001, 2), (5000, 2500, 3)])
    func listPages(limit: Int, lineCount: Int, callCount: Int) async throws {
        for number in 10_000..<12_500 { harness.store.insert("s3://b/\(number)", []) }
        try await harness.run("ls", "-r", "s3://b/", "--limit", String(limit))
        #expect(lines.count == lineCount)
        #expect(harness.store.state.withLock { $0.listCallCount } == callCount)
    }

    @Test func remove() async throws {
        for key in ["a", "b"] { harness.store.insert("s3://b/\(key)", [1]) }
        try await harness.run("rm", "s3://b/a", "s3://b/a", "s3://b/b")
        #expect(lines == ["deleted s3://b/a", "s3://b/a was not there", "deleted s3://b/b"])
        #expect(harness.store.blob("s3://b/b") == nil)
    }

    @Test func removeTriesEverything() async throws {
        for key in ["a", "z"] { harness.store.insert("s3://b/\(key)", [1]) }
        let status = await harness.status {
            try await harness.run("rm", "--json", "s3://b/a", "s3://b/locked", "s3://b/z")
        }
        #expect(status == .permissionDenied)
        #expect(lines.last == #"{"uri":"s3://b/z","deleted":true,"existed":true}"#)
        #expect(harness.errors.text.contains(#""uri":"s3://b/locked""#))
        #expect(harness.errors.text.split(separator: "\n").count == 1)
    }

    @Test func removeBatches() throws {
        func batches(_ texts: [String]) throws -> [Int] {
            RemoveCommand.batches(try texts.map { try BlobURI(parsing: $0) }).map(\.count)
        }
        #expect(try batches(["s3://a/1", "s3://a/2", "s3://b/1", "gs://b/1"]) == [2, 1, 1])
        #expect(try batches((0..<2500).map { "s3://a/\($0)" }) == [1000, 1000, 500])
    }

    @Test func copy() async throws {
        harness.store.insert("s3://b/a", [1, 2])
        try await harness.run("cp", "s3://b/a", "s3://b/c")
        #expect(harness.store.blob("s3://b/c")?.bytes == [1, 2])
        #expect(lines == ["copied s3://b/c (2 bytes, etag \"2\")"])
        let status = await harness.status {
            try await harness.run("cp", "--create-only", "s3://b/a", "s3://b/c")
        }
        #expect(status == .conflict)
    }

    @Test func presign() async throws {
        try await harness.run("presign", "s3://b/k", "--expires", "60")
        #expect(harness.output.text == "https://example.net/get?seconds=60\n")
        try await harness.run("presign", "s3://b/k", "--expires", "60", "--put", "--json")
        #expect(
            lines.last
                == #"{"url":"https://example.net/put","method":"PUT","headers":{"x-kind":"block"},"#
                + #""expires_at":null}"#)
        #expect(harness.errors.text.isEmpty)
        try await harness.run("presign", "s3://b/k", "--expires", "60", "--put")
        #expect(harness.errors.text.contains("x-kind: block"))
    }

    @Test func presignMethods() async throws {
        for method in ["get", "head", "delete"] {
            try await harness.run("presign", "s3://b/k", "--expires", "60", "--method", method)
        }
        #expect(lines == ["get", "head", "delete"].map { "https://example.net/\($0)?seconds=60" })
    }

    @Test func presignParts() async throws {
        try await harness.run(
            "multipart", "presign", "s3://b/k", "u", "--parts", "1-2,5", "--expires", "60")
        #expect(
            lines == [
                "1\thttps://example.net/1", "2\thttps://example.net/2",
                "5\thttps://example.net/5",
            ])
    }

    @Test func multipartPlan() async throws {
        try await harness.run("multipart", "plan", "gs://b/k", "104857601")
        #expect(lines == ["1\t0\t104857600", "2\t104857600\t1"])
        try await harness.run("multipart", "plan", "s3://b/k", "0", "--json")
        #expect(lines.last == #"{"part_number":1,"offset":0,"byte_count":0}"#)
        let status = await harness.status {
            try await harness.run("multipart", "plan", "s3://b/k", "1099511627777")
        }
        #expect(status == .failure)
    }

    @Test func ping() async throws {
        try await harness.run("ping", "--count", "2")
        #expect(
            lines == [
                "answer 1: 1.500 ms", "answer 2: 1.500 ms",
                "shortest 1.500 ms, average 1.500 ms, longest 1.500 ms",
            ])
        try await harness.run("ping", "--json")
        #expect(lines.last == #"{"number":1,"milliseconds":1.5}"#)
        try await harness.run("ping", "-q")
        #expect(lines.count == 4)
    }

    @Test func info() async throws {
        try await harness.run("info")
        #expect(harness.output.text.contains("uptime:     1:01\n"))
        try await harness.run("info", "--json")
        #expect(
            lines.last
                == #"{"server":"blobrpcd/0.1.0","instance_id":"abc","uptime_seconds":61,"#
                + #""schemes":["file","blob"],"mounts":["backup"],"counters":{"calls.head":3}}"#)
    }

    @Test func passedDeadlineStopsBeforeTheCall() async throws {
        let status = await harness.status {
            try await harness.run("ls", "s3://b/", timeout: .zero)
        }
        #expect(status == .retryable)
        #expect(harness.store.state.withLock { $0.listCallCount } == 0)
    }
}
