import BlobCore
import Glibc
import Testing

@testable import blobctl

@Suite struct FileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func mode(_ name: String) -> mode_t {
        var status = stat()
        return stat("\(directory.path)/\(name)", &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func atomicFileAppearsAtCommit() throws {
        let file = try AtomicFile(destination: "\(directory.path)/a")
        try file.write(Bytes([3, 4]), at: 2)
        try file.write(Bytes([1, 2]), at: 0)
        #expect(!directory.names.contains("a"))
        #expect(directory.names.count == 1)
        #expect(mode(directory.names[0]) == 0o600)
        try file.commit(synchronizes: true)
        #expect(directory.names == ["a"])
        #expect(try directory.read("a") == [1, 2, 3, 4])
        let mask = umask(0o022)
        umask(mask)
        #expect(mode("a") == 0o666 & ~mask)
    }

    @Test func atomicFileKeepsPermissionsAndOldContentOnFailure() throws {
        let path = try directory.write("a", [9])
        chmod(path, 0o640)
        do {
            let file = try AtomicFile(destination: path)
            try file.write(Bytes([1]), at: 0)
        }
        #expect(directory.names == ["a"])
        #expect(try directory.read("a") == [9])
        let file = try AtomicFile(destination: path)
        try file.commit(synchronizes: false)
        #expect(mode("a") == 0o640)
        #expect(try directory.read("a").isEmpty)
    }

    @Test func atomicFileFollowsLinks() throws {
        let path = try directory.write("real", [9])
        #expect(symlink(path, "\(directory.path)/link") == 0)
        let file = try AtomicFile(destination: "\(directory.path)/link")
        try file.write(Bytes([1]), at: 0)
        try file.commit(synchronizes: false)
        #expect(directory.names == ["link", "real"])
        #expect(try directory.read("real") == [1])
    }

    @Test func atomicFileTakesTheLongestName() throws {
        let name = String(repeating: "n", count: 255)
        let file = try AtomicFile(destination: "\(directory.path)/\(name)")
        try file.commit(synchronizes: false)
        #expect(directory.names == [name])
    }

    @Test func atomicFileNeedsADirectory() {
        #expect(throws: BlobError.self) {
            _ = try AtomicFile(destination: "\(directory.path)/none/a")
        }
    }

    @Test func sourceReadsAll() async throws {
        let data = pattern(Int(FileByteSource.readByteCount) * 2 + 5)
        let file = try OpenFile(path: directory.write("a", data), flags: O_RDONLY)
        let source = try FileByteSource(file: file)
        #expect(source.range == 0..<UInt64(data.count))
        var received: [UInt8] = []
        while let bytes = try await source.next() {
            #expect(bytes.count <= Int(FileByteSource.readByteCount))
            received += Array(bytes)
        }
        #expect(received == data)
    }

    @Test func sourceReadsARange() async throws {
        let file = try OpenFile(path: directory.write("a", pattern(100)), flags: O_RDONLY)
        let source = try FileByteSource(file: file, range: .bounded(start: 10, end: 20))
        #expect(try await source.next().map(Array.init) == Array(pattern(100)[10..<20]))
        #expect(try await source.next() == nil)
        #expect(throws: BlobError.self) { try FileByteSource(file: file, range: .from(100)) }
    }

    @Test(arguments: [-1, 1]) func sourceNoticesAnotherSize(change: Int) async throws {
        let path = try directory.write("a", pattern(100))
        let source = try FileByteSource(file: OpenFile(path: path, flags: O_RDONLY))
        #expect(truncate(path, 100 + change) == 0)
        await #expect(throws: BlobError.self) { try await source.next() }
    }

    @Test func bodyOfFiles() throws {
        let path = try directory.write("a", pattern(100))
        #expect(try LocalSource.body(path: path).byteCount == 100)
        let empty = try directory.write("empty", [])
        #expect(try LocalSource.body(path: empty).byteCount == 0)
        #expect(try LocalSource.body(path: "/proc/self/status").byteCount == nil)
        #expect(try LocalSource.body(path: "-").byteCount == nil)
        #expect(throws: BlobError.self) { try LocalSource.body(path: directory.path) }
        #expect(throws: BlobError.self) { try LocalSource.body(path: "-", range: .from(1)) }
        do throws(BlobError) {
            _ = try LocalSource.body(path: "\(directory.path)/none")
            Issue.record("a missing file was opened")
        } catch {
            #expect(FailureReport(error).status == .failure, "3 is for blobs")
        }
    }

    @Test func streamSourceReadsPipes() async throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let source = StreamByteSource(borrowing: ends[0], name: "pipe")
        #expect(write(ends[1], [1, 2, 3] as [UInt8], 3) == 3)
        #expect(try await source.next() == Bytes([1, 2, 3]))
        close(ends[1])
        #expect(try await source.next() == nil)
    }

    @Test(.timeLimit(.minutes(10))) func streamSourceCanBeCancelled() async throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let source = StreamByteSource(borrowing: ends[0], name: "pipe")
        let task = Task { try await source.next() }
        task.cancel()
        await #expect(throws: BlobError.self) { try await task.value }
    }

    @Test func brokenPipeIsRecognised() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        #expect(throws: BrokenPipe.self) {
            try DescriptorSink(descriptor: ends[1], name: "pipe").write("text")
        }
    }

    @Test func destinations() throws {
        func destination(_ path: String, _ key: String = "dir/name") throws -> LocalDestination {
            try LocalDestination(
                path: path, uri: BlobURI(scheme: .s3, container: "b", key: key))
        }
        let path = directory.path
        #expect(try destination("-") == .standardOutput)
        #expect(try destination("/dev/null") == .stream(path: "/dev/null"))
        #expect(try destination("\(path)/new") == .file(path: "\(path)/new"))
        #expect(try destination(path) == .file(path: "\(path)/name"))
        #expect(try destination(path + "/") == .file(path: "\(path)/name"))
        #expect(try destination(path, "name") == .file(path: "\(path)/name"))
        for key in ["a/..", "a/.", "a/", ".."] {
            #expect(throws: BlobError.self) { try destination(path, key) }
        }
        #expect(throws: BlobError.self) { try destination("\(path)/new/") }
        #expect(throws: BlobError.self) { try destination("/", "tmp") }
    }
}
