import BlobCore
import Glibc
import Synchronization
import Testing

@testable import blobctl

@Suite struct TransferCommandTests {
    let harness = Harness()
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func putThenGet() async throws {
        let data = pattern(3 << 20 + 17)
        let path = try directory.write("in", data)
        try await harness.run("put", path, "s3://b/dir/key")
        #expect(harness.store.blob("s3://b/dir/key")?.bytes == data)
        try await harness.run("get", "s3://b/dir/key", "\(directory.path)/out", "--sync")
        #expect(try directory.read("out") == data)
        try await harness.run("get", "s3://b/dir/key", directory.path)
        #expect(directory.names == ["in", "key", "out"])
        let lines = harness.output.text.split(separator: "\n")
        #expect(lines.first == "stored s3://b/dir/key (\(data.count) bytes, etag \"1\")")
        #expect(lines.count == 3)
    }

    @Test func putOptionsReachTheStore() async throws {
        let path = try directory.write("in", [1])
        try await harness.run(
            "put", path, "s3://b/k", "--content-type", "text/x", "--metadata", "A=1",
            "--metadata", "b=x=y", "--create-only", timeout: .seconds(9))
        let blob = try #require(harness.store.blob("s3://b/k"))
        #expect(blob.contentType == "text/x")
        #expect(blob.userMetadata == ["A": "1", "b": "x=y"])
        #expect(harness.store.state.withLock { $0.lastTimeout } != nil)
        let again = await harness.status {
            try await harness.run("put", path, "s3://b/k", "--create-only")
        }
        #expect(again == .conflict)
        try await harness.run("put", path, "s3://b/k", "--if-match", "\"1\"")
        let stale = await harness.status {
            try await harness.run("put", path, "s3://b/k", "--if-match", "\"1\"")
        }
        #expect(stale == .conflict)
    }

    @Test func putPrintsTheDigestEvenWhenQuiet() async throws {
        let path = try directory.write("in", [1])
        try await harness.run("put", path, "s3://b/k", "--sha256", "--quiet")
        let digest = String(repeating: "ab", count: 32)
        #expect(harness.output.text == "\(digest)  s3://b/k\n")
    }

    @Test func putPrintsJSON() async throws {
        let path = try directory.write("in", [1])
        try await harness.run("put", path, "s3://b/k", "--json", "--sha256")
        let digest = String(repeating: "ab", count: 32)
        #expect(
            harness.output.text
                == #"{"uri":"s3://b/k","byte_count":1,"etag":"\"1\"","version":null,"sha256":""#
                + "\(digest)\"}\n")
    }

    @Test func getToStandardOutputPrintsNothingElse() async throws {
        harness.store.insert("s3://b/k", pattern(5000))
        try await harness.run("get", "s3://b/k", "-")
        #expect(harness.output.content == pattern(5000))
    }

    @Test(arguments: [("10-19", 10..<20), ("4990-", 4990..<5000), ("-3", 4997..<5000)])
    func getRange(text: String, expected: Range<Int>) async throws {
        harness.store.insert("s3://b/k", pattern(5000))
        try await harness.run("get", "s3://b/k", "\(directory.path)/out", "--range", text)
        #expect(try directory.read("out") == Array(pattern(5000)[expected]))
    }

    @Test func getEmptyBlob() async throws {
        harness.store.insert("s3://b/k", [])
        try await harness.run("get", "s3://b/k", directory.path)
        #expect(try directory.read("k").isEmpty)
    }

    @Test func getToDevice() async throws {
        harness.store.insert("s3://b/k", pattern(5000))
        try await harness.run("get", "s3://b/k", "/dev/null")
        var status = stat()
        #expect(stat("/dev/null", &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFCHR, "the device is still one")
    }

    @Test func failedGetLeavesNothing() async throws {
        let failing = Harness(store: MemoryStore(failsReadingAfter: 2000))
        failing.store.insert("s3://b/k", pattern(5000))
        let status = await failing.status {
            try await failing.run("get", "s3://b/k", "\(directory.path)/out")
        }
        #expect(status == .unreachable)
        #expect(directory.names.isEmpty)
        _ = try directory.write("out", [7])
        _ = await failing.status {
            try await failing.run("get", "s3://b/k", "\(directory.path)/out")
        }
        #expect(directory.names == ["out"])
        #expect(try directory.read("out") == [7])
    }

    @Test func getOfNothing() async throws {
        let status = await harness.status {
            try await harness.run("get", "s3://b/k", "\(directory.path)/out")
        }
        #expect(status == .notFound)
        #expect(directory.names.isEmpty)
    }

    @Test func getDistrustsTheServer() async throws {
        harness.store.insert("s3://b/k", pattern(100))
        let uri = try BlobURI(parsing: "s3://b/k")
        var read = try await harness.store.read(uri)
        // One byte more than comes, one less, and a range that begins elsewhere.
        for ranges in [[0..<101], [0..<99], [1..<100], []] as [[Range<UInt64>]] {
            read.source = try await harness.store.read(uri).source
            read.ranges = ranges
            let download = Download(read: read, uri: uri, bar: nil)
            await #expect(throws: BlobError.self) {
                try await download.run(intoFile: "\(directory.path)/out", synchronizes: false)
            }
            let source = try #require(read.source as? MemoryStore.Chunks)
            #expect(source.isCancelled.withLock { $0 })
        }
        #expect(directory.names.isEmpty)
    }

    @Test func severalRangesAreLaidEndToEnd() async throws {
        harness.store.insert("s3://b/k", pattern(2500))
        let uri = try BlobURI(parsing: "s3://b/k")
        var read = try await harness.store.read(uri)
        read.ranges = [0..<1000, 1000..<1000, 1000..<2500]
        let download = Download(read: read, uri: uri, bar: nil)
        try await download.run(intoFile: "\(directory.path)/out", synchronizes: false)
        #expect(try directory.read("out") == pattern(2500))
    }

    @Test func brokenPipeEndsQuietly() async throws {
        harness.store.insert("s3://b/k", pattern(100))
        let uri = try BlobURI(parsing: "s3://b/k")
        let download = Download(
            read: try await harness.store.read(uri), uri: uri, bar: nil)
        let status = await harness.status { try await download.run(into: BrokenSink()) }
        #expect(status == .brokenPipe)
    }

    @Test func multipart() async throws {
        let path = try directory.write("in", pattern(300))
        let uri = "s3://b/big"
        try await harness.run("multipart", "create", uri)
        #expect(harness.output.text == "upload-1\n")
        for (number, range) in [("1", "0-99"), ("2", "100-199"), ("3", "-100")] {
            try await harness.run(
                "multipart", "put-part", uri, "upload-1", number, path, "--range", range, "-q")
        }
        try await harness.run("multipart", "parts", uri, "upload-1", "--json")
        #expect(harness.output.text.split(separator: "\n").count == 4)
        try await harness.run("multipart", "complete", uri, "upload-1", "-q")
        #expect(harness.store.blob(uri)?.bytes == pattern(300))
        try await harness.run(
            "multipart", "complete", uri, "upload-1", "-q", "--part", "3=\"p3\"", "--part", "1")
        #expect(
            harness.store.blob(uri)?.bytes == Array(pattern(300)[0..<100] + pattern(300)[200...]))
        try await harness.run("multipart", "abort", uri, "upload-1", "-q")
        let gone = await harness.status {
            try await harness.run("multipart", "complete", uri, "upload-1")
        }
        #expect(gone == .notFound)
    }
}
