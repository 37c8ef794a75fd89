import Backends
import BlobCore
import Foundation
import LinuxIO
import TestKit
import Testing

/// FS-01: nothing outside the roots is read, written, listed or deleted.
@Suite struct LocalContainmentTests {
    /// With and without `openat2`.
    private func fixtures() throws -> [LocalFixture] {
        [try LocalFixture(), try LocalFixture { $0.forcesComponentWalk = true }]
    }

    @Test func `FS-01 a path outside every root is permissionDenied`() async throws {
        let fixture = try LocalFixture()
        for key in [
            "/etc/passwd", fixture.directory.path + "X/a", "/tmp", "/proc/self/root/etc/passwd",
        ] {
            let uri = BlobURI(scheme: .file, container: "", key: key)
            await expectError(.permissionDenied) { _ = try await fixture.store.head(uri) }
            await expectError(.permissionDenied) { try await fixture.store.put(uri, [1]) }
            await expectError(.permissionDenied) { try await fixture.store.delete(uri) }
            await expectError(.permissionDenied) { _ = try await fixture.store.listAll(uri) }
        }
    }

    @Test func `FS-01 symbolic links that leave the root lead nowhere`() async throws {
        let outside = try TemporaryDirectory()
        try outside.write("secret", to: "file")
        for fixture in try fixtures() {
            let root = fixture.directory.path
            let links = [
                "file": "\(outside.path)/file", "dir": outside.path, "proc": "/proc/self/root",
                "up": "../..", "descriptor": "/proc/self/fd/0",
            ]
            for (name, target) in links {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(root)/\(name)", withDestinationPath: target)
            }
            let name = String(outside.path.split(separator: "/").last ?? "")
            for path in [
                "file", "dir/file", "proc\(outside.path)/file", "up/tmp/\(name)/file",
                "up/\(name)/file",
            ] {
                let uri = fixture.uri(path)
                do {
                    let bytes = try await fixture.store.get(uri)
                    Issue.record("\(path) gave \(bytes.utf8Text ?? "")")
                } catch {
                    // The component walk meets a link where a directory should be.
                    #expect(error.code == .permissionDenied || error.code == .notFound, "\(error)")
                }
            }
            for path in ["dir/new", "dir/sub/new", "dir/file", "up/\(name)/new"] {
                do {
                    try await fixture.put("x", at: path)
                    Issue.record("\(path) was written")
                } catch let error as BlobError {
                    #expect([.permissionDenied, .conflict].contains(error.code), "\(error)")
                }
                _ = try? await fixture.store.delete(fixture.uri(path))
            }
            #expect(try await fixture.store.listAll(fixture.uri("")).isEmpty)
            // Removes the link, not what it points to.
            try await fixture.store.delete(fixture.uri("file"))
            #expect(outside.names() == ["file"])
            #expect(outside.text(of: "file") == "secret")
        }
    }

    @Test func `FS-01 links that stay inside the root are followed by openat2`() async throws {
        let fixture = try LocalFixture()
        try await fixture.put("content", at: "real/blob")
        let root = fixture.directory.path
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/link", withDestinationPath: "real")
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/alias", withDestinationPath: "real/blob")
        #expect(try await fixture.text(at: "link/blob") == "content")
        #expect(try await fixture.text(at: "alias") == "content")
        // A list does not descend into linked directories, so nothing is there twice.
        let keys = try await fixture.store.listAll(fixture.uri("")).map(\.uri)
        #expect(keys == [fixture.uri("alias"), fixture.uri("real/blob")])
        // Writing to a link to a blob replaces the link.
        try await fixture.put("new", at: "alias")
        #expect(try await fixture.text(at: "real/blob") == "content")
    }

    @Test func `FS-01 a directory swapped for a link during the call does not help`() async throws {
        let outside = try TemporaryDirectory()
        try outside.write("the secret inside", to: "blob")
        for fixture in try fixtures() {
            try await fixture.put("public", at: "swap/blob")
            let root = fixture.directory.path
            let swapper = Task.detached {
                while !Task.isCancelled {
                    rename("\(root)/swap", "\(root)/away")
                    symlink(outside.path, "\(root)/swap")
                    unlink("\(root)/swap")
                    rename("\(root)/away", "\(root)/swap")
                    await Task.yield()
                }
            }
            for round in 0..<300 {
                if let text = try? await fixture.text(at: "swap/blob") {
                    #expect(text == "public" || text.hasPrefix("round"))
                }
                _ = try? await fixture.put("round \(round)", at: "swap/blob")
                let entries = try? await fixture.store.listAll(fixture.uri("swap/"))
                #expect(entries?.contains { $0.byteCount == 17 } != true)
            }
            swapper.cancel()
            await swapper.value
            #expect(outside.text(of: "blob") == "the secret inside")
            #expect(outside.names() == ["blob"])
        }
    }

    @Test func `FS-01 with nested roots the longest one serves`() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("inner", to: "a/b/blob")
        let pool = BlockingPool(name: "test-files")
        let path = directory.path
        let configuration = LocalBackendConfiguration(
            roots: ["\(path)/a", "\(path)/a/b/"], blockingPool: pool)
        let store = try LocalBackend(configuration: configuration)
        func uri(_ key: String) -> BlobURI {
            BlobURI(scheme: .file, container: "", key: path + key)
        }
        #expect(try await store.get(uri("/a/b/blob")).utf8Text == "inner")
        try await store.put(uri("/a/b/new"), [1])
        try await store.put(uri("/a/other"), [1])
        // The inner root's staging directory is invisible from the outer one as well.
        let keys = try await store.listAll(uri("/a/")).map(\.uri)
        #expect(keys == [uri("/a/b/blob"), uri("/a/b/new"), uri("/a/other")])
        await expectError(.invalidURI) { _ = try await store.head(uri("/a")) }
        await expectError(.invalidURI) { _ = try await store.head(uri("/a/b")) }
        await expectError(.permissionDenied) { _ = try await store.head(uri("/ab")) }
    }

    @Test func `FS-01 FS-05 keys that no file can have are invalidURI`() async throws {
        let fixture = try LocalFixture()
        let keys = [
            "../x", "a/../../x", "./a", "a//b", "/a", "a/", "", ".", "..", "nul\0byte",
            String(repeating: "x", count: 256), "a/" + String(repeating: "x", count: 256) + "/b",
            Array(repeating: String(repeating: "y", count: 200), count: 21)
                .joined(separator: "/"),
        ]
        for key in keys {
            await expectError(.invalidURI) { _ = try await fixture.store.head(fixture.uri(key)) }
            await expectError(.invalidURI) { _ = try await fixture.put("x", at: key) }
            await expectError(.invalidURI) { try await fixture.store.delete(fixture.uri(key)) }
        }
        try await fixture.put("x", at: String(repeating: "x", count: 255))
    }

    @Test func `IX13 another scheme is unsupportedBackend`() async throws {
        let fixture = try LocalFixture()
        let uri = BlobURI(scheme: .s3, container: "bucket", key: fixture.directory.path + "/a")
        await expectError(.unsupportedBackend) { _ = try await fixture.store.head(uri) }
    }

    @Test func `a root that does not exist is named in the error`() throws {
        let pool = BlockingPool(name: "test-files")
        for root in ["/nonexistent/root", "relative"] {
            let configuration = LocalBackendConfiguration(roots: [root], blockingPool: pool)
            do {
                _ = try LocalBackend(configuration: configuration)
                Issue.record("opened \(root)")
            } catch {
                #expect(error.message.contains(root))
            }
        }
    }
}
