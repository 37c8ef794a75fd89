import Backends
import BlobCore
import CFileShims
import Foundation
import LinuxIO
import TestKit
import Testing

/// What is particular about files: kinds of files, conflicts of names, versions, other programs.
@Suite struct LocalFileTests {
    @Test func `FS-11 pipes, sockets and devices are refused without hanging`() async throws {
        for fixture in [try LocalFixture(), try LocalFixture { $0.forcesComponentWalk = true }] {
            let root = fixture.directory.path
            #expect(mkfifo("\(root)/pipe", 0o600) == 0)
            var names = ["pipe"]
            if mknod("\(root)/device", S_IFCHR | 0o600, 0x103) == 0 { names.append("device") }
            if mknod("\(root)/socket", S_IFSOCK | 0o600, 0) == 0 { names.append("socket") }
            for name in names {
                let uri = fixture.uri(name)
                await expectError(.permissionDenied) { _ = try await fixture.store.head(uri) }
                await expectError(.permissionDenied) { _ = try await fixture.store.read(uri) }
                await expectError(.permissionDenied) { try await fixture.store.put(uri, [1]) }
                await expectError(.permissionDenied) { try await fixture.store.delete(uri) }
                await expectError(.permissionDenied) {
                    _ = try await fixture.store.copy(
                        from: uri, to: fixture.uri("copy"), options: CopyOptions())
                }
            }
            #expect(try await fixture.store.listAll(fixture.uri("")).isEmpty)
            #expect(Set(names).isSubset(of: fixture.directory.names()))
        }
    }

    @Test func `FS-05 a blob and a directory of one name are a conflict`() async throws {
        let fixture = try LocalFixture()
        try await fixture.put("1", at: "a")
        await expectError(.conflict) { try await fixture.put("2", at: "a/b") }
        await expectError(.conflict) { try await fixture.put("2", at: "a/b/c") }
        await expectError(.notFound) { _ = try await fixture.text(at: "a/b") }
        try await fixture.put("3", at: "dir/blob")
        await expectError(.conflict) { try await fixture.put("4", at: "dir") }
        await expectError(.conflict) {
            _ = try await fixture.store.put(
                fixture.uri("dir"), [1], options: PutOptions(condition: .createOnly))
        }
        await expectError(.notFound) { _ = try await fixture.text(at: "dir") }
        await expectError(.notFound) { _ = try await fixture.store.head(fixture.uri("dir")) }
        #expect(try await fixture.store.delete(fixture.uri("dir")).existed == false)
        #expect(try await fixture.store.delete(fixture.uri("a/b")).existed == false)
        #expect(try await fixture.text(at: "a") == "1")
        #expect(try await fixture.text(at: "dir/blob") == "3")
        #expect(fixture.stagedNames.isEmpty)
    }

    @Test func `FS-06 paths are taken byte for byte, localhost is the empty host`() async throws {
        let fixture = try LocalFixture()
        let uri = try BlobURI(parsing: "file://localhost\(fixture.directory.path)/a%20b")
        try await fixture.store.put(uri, [1])
        #expect(fixture.directory.names().contains("a%20b"))
        await #expect(throws: BlobError.self) { _ = try await fixture.text(at: "a b") }
    }

    @Test func `FS-07 a read stays with its file when the blob is replaced`() async throws {
        let fixture = try LocalFixture()
        let old = String(repeating: "old ", count: 200_000)
        try await fixture.put(old, at: "blob")
        let read = try await fixture.store.read(fixture.uri("blob"))
        try await fixture.put("new", at: "blob")
        try await fixture.store.delete(fixture.uri("blob"))
        var builder = BytesBuilder()
        for try await chunk in read { builder.append(chunk.bytes) }
        #expect(builder.freeze().utf8Text == old)
    }

    @Test func `FS-07 a file changed in place during the read is objectChanged`() async throws {
        let fixture = try LocalFixture()
        let path = "\(fixture.directory.path)/blob"
        try await fixture.put(String(repeating: "x", count: 1 << 20), at: "blob")
        for change in ["cut", "write"] {
            // An hour old: the change has another time, however coarse the clock that stamps files.
            try fixture.directory.setModified("blob", to: Date(timeIntervalSinceNow: -3600))
            let read = try await fixture.store.read(fixture.uri("blob"))
            let regions = try #require(read.source as? LocalFileSource).fileRegions
            try regions.verifyUnchanged()
            _ = try await read.source.next()
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            if change == "cut" {
                try handle.truncate(atOffset: 300_000)
            } else {
                try handle.write(contentsOf: Data("y".utf8))
            }
            try handle.close()
            let error = await expectError(.objectChanged) {
                while try await read.source.next() != nil {}
            }
            #expect(error?.uri == fixture.uri("blob").redactedDescription)
            #expect(throws: BlobError.self) { try regions.verifyUnchanged() }
            try await fixture.put(String(repeating: "x", count: 1 << 20), at: "blob")
        }
    }

    @Test func `FS-08 every version has its own entity tag`() async throws {
        for parent in ["/tmp", "/dev/shm"] {
            let fixture = try LocalFixture(in: parent)
            var etags: Set<String> = []
            for _ in 0..<500 {
                etags.insert(try await fixture.put("same", at: "blob").etag)
            }
            #expect(etags.count == 500)
            let before = try await fixture.store.head(fixture.uri("blob")).etag
            try fixture.directory.write("SAME", to: "other")
            try fixture.directory.setModified("blob", to: Date(timeIntervalSince1970: 5))
            let after = try await fixture.store.head(fixture.uri("blob"))
            #expect(after.etag != before)
            #expect(after.lastModified == Timestamp(milliseconds: 5000))
        }
    }

    @Test func `FS-08 foreign files are served, odd attributes ignored`() async throws {
        let fixture = try LocalFixture()
        try fixture.directory.write("foreign", to: "dir/file")
        let junk: [UInt8] = [1, 255, 255, 3]
        let path = "\(fixture.directory.path)/dir/file"
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        #expect(cfile_fsetxattr(handle.fileDescriptor, junk, junk.count) == 0)
        let metadata = try await fixture.store.head(fixture.uri("dir/file"))
        #expect(metadata.contentType == nil)
        #expect(metadata.userMetadata.isEmpty)
        #expect(try await fixture.text(at: "dir/file") == "foreign")
        let long = [UInt8](repeating: 1, count: 3000)
        #expect(cfile_fsetxattr(handle.fileDescriptor, long, long.count) == 0)
        #expect(try await fixture.store.head(fixture.uri("dir/file")).byteCount == 7)
    }

    @Test func `FS-12 deleting prunes empty directories only when configured`() async throws {
        let plain = try LocalFixture()
        try await plain.put("1", at: "a/b/c")
        try await plain.store.delete(plain.uri("a/b/c"))
        #expect(plain.directory.has("a/b"))
        let pruning = try LocalFixture { $0.prunesEmptyDirectories = true }
        try await pruning.put("1", at: "a/b/c/d")
        try await pruning.put("1", at: "a/kept")
        try await pruning.store.delete(pruning.uri("a/b/c/d"))
        #expect(pruning.directory.names(in: "a") == ["kept"])
        try await pruning.store.delete(pruning.uri("a/kept"))
        #expect(pruning.directory.names() == [".blobrpc-staging"])
    }

    @Test func `cached reads run on the caller's thread, even without a pool`() async throws {
        let fixture = try LocalFixture()
        try await fixture.put("warm", at: "dir/blob")
        _ = try await fixture.text(at: "dir/blob")
        fixture.pool.shutdownAndWait()
        #expect(try await fixture.store.head(fixture.uri("dir/blob")).byteCount == 4)
        #expect(try await fixture.text(at: "dir/blob") == "warm")
        await expectError(.shuttingDown) { try await fixture.put("x", at: "dir/blob") }
    }

    @Test func `a time limit that has passed ends a long put`() async throws {
        let fixture = try LocalFixture()
        // The body has no end: only the limit ends the put.
        let chunk = Bytes([UInt8](repeating: 0, count: 700_000))
        let body = AsyncStream<Bytes> { chunk }
        var options = PutOptions()
        options.call.timeout = .milliseconds(20)
        let limited = options
        await expectError(.deadlineExceeded) {
            _ = try await fixture.store.put(
                fixture.uri("blob"), body: BlobBody(body), options: limited)
        }
        options.call.timeout = .seconds(Int64.max)
        _ = try await fixture.store.put(fixture.uri("blob"), [1], options: options)
    }
}
