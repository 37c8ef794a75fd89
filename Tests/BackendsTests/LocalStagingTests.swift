import Backends
import BlobCore
import Foundation
import LinuxIO
import TestKit
import Testing

/// FS-02 to FS-04: what is being written is invisible, and what a dead process left is removed.
@Suite struct LocalStagingTests {
    private let area = ".blobrpc-staging"

    @Test func `FS-02 IX6 a put makes a new file, at once and whole`() async throws {
        for durability in LocalDurability.allCases {
            let fixture = try LocalFixture { $0.durability = durability }
            try await fixture.put("first", at: "dir/sub/blob")
            let path = "\(fixture.directory.path)/dir/sub/blob"
            let handle = try #require(FileHandle(forReadingAtPath: path))
            try await fixture.put("second", at: "dir/sub/blob")
            // Truncating in place would show here.
            #expect(try handle.readToEnd() == Data("first".utf8))
            #expect(fixture.directory.text(of: "dir/sub/blob") == "second")
            #expect(fixture.stagedNames.isEmpty)
        }
    }

    @Test func `FS-03 what a dead process left is removed at the next start`() async throws {
        let directory = try TemporaryDirectory()
        do {
            let fixture = try LocalFixture(directory: directory)
            try await fixture.put("kept", at: "blob")
        }
        try directory.write("torn", to: "\(area)/session-1-dead/7")
        try directory.write("", to: "\(area)/session-1-dead/owner")
        try directory.write("torn", to: "\(area)/session-2-early/1")
        let restarted = try LocalFixture(directory: directory)
        #expect(restarted.stagedNames.isEmpty)
        #expect(directory.names(in: area).filter { $0.hasPrefix("session-") }.count == 1)
        #expect(try await restarted.text(at: "blob") == "kept")
        #expect(try await restarted.store.listAll(restarted.uri("")).count == 1)
    }

    @Test func `FS-03 a second server on the same root leaves the first one's writes`() async throws
    {
        let directory = try TemporaryDirectory()
        let first = try LocalFixture(directory: directory)
        let (stream, continuation) = AsyncStream.makeStream(of: Bytes.self)
        continuation.yield(Bytes([UInt8](repeating: 1, count: 2 << 20)))
        let put = Task {
            try await first.store.put(
                first.uri("slow"), body: BlobBody(stream), options: PutOptions())
        }
        try await TreeWatch(directory.path).wait { !first.stagedNames.isEmpty }
        #expect(first.stagedNames.count == 1)
        let second = try LocalFixture(directory: directory)
        #expect(second.stagedNames.count == 1)
        await #expect(throws: BlobError.self) {
            _ = try await second.store.head(second.uri("slow"))
        }
        continuation.yield(Bytes([2]))
        continuation.finish()
        #expect(try await put.value.byteCount == (2 << 20) + 1)
        #expect(try await second.store.head(second.uri("slow")).byteCount == (2 << 20) + 1)
    }

    /// ProcessTests kills real servers in the middle of puts; this looks on while nobody dies.
    @Test func `FS-02 other programs see only whole blobs while puts replace them`() async throws {
        let directory = try TemporaryDirectory()
        let fixture = try LocalFixture(directory: directory)
        try await fixture.put(String(repeating: "0", count: 50_000), at: "blob")
        let writer = Task {
            for round in 1...60 {
                let digit = String(round % 10)
                try await fixture.put(String(repeating: digit, count: 50_000), at: "blob")
            }
        }
        for _ in 0..<200 {
            guard let text = directory.text(of: "blob") else {
                Issue.record("no blob")
                continue
            }
            #expect(text == String(repeating: text.first ?? " ", count: 50_000))
        }
        try await writer.value
    }

    @Test func `FS-04 the staging area is invisible and its names are refused`() async throws {
        let fixture = try LocalFixture()
        let upload = try await fixture.store.createMultipartUpload(
            fixture.uri("blob"), options: MultipartOptions())
        let staged = "\(area)/upload-\(upload.uploadID)/data"
        #expect(fixture.directory.has(staged))
        for key in [staged, area, "\(area)-x/y", "sub/\(area)/x", "\(area)/lock"] {
            await expectError(.invalidURI) { _ = try await fixture.store.head(fixture.uri(key)) }
            await expectError(.invalidURI) { try await fixture.put("x", at: key) }
            await expectError(.invalidURI) { try await fixture.store.delete(fixture.uri(key)) }
        }
        for prefix in ["", ".", ".blob", "\(area)"] {
            #expect(try await fixture.store.listAll(fixture.uri(prefix)).isEmpty)
        }
        await expectError(.invalidURI) {
            _ = try await fixture.store.listAll(fixture.uri("\(area)/"))
        }
        let page = try await fixture.store.list(
            fixture.uri(""), options: ListOptions(delimiter: "/"))
        #expect(page.commonPrefixes.isEmpty)
    }

    @Test(.enabled(if: SmallDisk.isAvailable, "only root mounts a small tmpfs"))
    func `FS-09 a full disk is noSpace and leaves nothing behind`() async throws {
        let disk = try SmallDisk(byteCount: 2 << 20)
        defer { withExtendedLifetime(disk) {} }
        let fixture = try LocalFixture(in: disk.path)
        try await fixture.put("kept", at: "blob")
        let large = Bytes([UInt8](repeating: 1, count: 1 << 20))
        let body = AsyncStream<Bytes> { continuation in
            for _ in 0..<8 { continuation.yield(large) }
            continuation.finish()
        }
        await expectError(.noSpace) {
            _ = try await fixture.store.put(
                fixture.uri("blob"), body: BlobBody(body), options: PutOptions())
        }
        try await TreeWatch(fixture.directory.path).wait { fixture.stagedNames.isEmpty }
        #expect(try await fixture.text(at: "blob") == "kept")
        // The space is free again.
        try await fixture.store.put(fixture.uri("fits"), large)
    }

    @Test(.enabled(if: SmallDisk.isAvailable, "only root mounts a small tmpfs"))
    func `FS-09 a root on a read-only file system can be read from`() async throws {
        let disk = try SmallDisk(byteCount: 1 << 20)
        defer { withExtendedLifetime(disk) {} }
        let writer = try LocalFixture(in: disk.path)
        try await writer.put("kept", at: "blob")
        let name = String(writer.directory.path.dropFirst(disk.path.utf8.count))
        let pool = BlockingPool(name: "test-files")
        let reader = try LocalBackend(
            configuration: LocalBackendConfiguration(
                roots: [disk.readOnlyPath + name], blockingPool: pool))
        let uri = BlobURI(
            scheme: .file, container: "", key: "\(disk.readOnlyPath)\(name)/blob")
        #expect(try await reader.get(uri).utf8Text == "kept")
        await expectError(.readOnly) { try await reader.put(uri, [1]) }
        await expectError(.readOnly) { try await reader.delete(uri) }
        #expect(try await writer.text(at: "blob") == "kept")
    }
}
