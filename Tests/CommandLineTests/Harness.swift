import ArgumentParser
import BlobCore
import Glibc
import Synchronization

@testable import blobctl

/// Keeps what a command prints.
final class MemorySink: OutputSink {
    private let bytes = Mutex<[UInt8]>([])

    func write(_ new: UnsafeRawBufferPointer) throws {
        bytes.withLock { $0 += new }
    }

    var content: [UInt8] { bytes.withLock { $0 } }
    var text: String { String(decoding: content, as: UTF8.self) }
}

/// A sink whose reader has gone.
struct BrokenSink: OutputSink {
    func write(_ bytes: UnsafeRawBufferPointer) throws { throw BrokenPipe() }
}

struct FakeServer: ServerProbe {
    func ping(options: CallOptions) async throws(BlobError) -> Duration { .microseconds(1500) }

    func serverInfo() async throws(BlobError) -> ServerInfo {
        ServerInfo(
            serverName: "blobrpcd/0.1.0", instanceID: "abc", uptimeSeconds: 61,
            schemes: ["file", "blob"], mounts: ["backup"], counters: ["calls.head": 3])
    }

    func addListener(text: String, options: ListenerOptions) async throws(BlobError) -> String {
        guard text.hasPrefix("path: ") else {
            throw BlobError(.invalidArgument, "listener: unknown key '\(text)'")
        }
        return "\(text.dropFirst(6)) for \(options.leaseSeconds.map { "\($0)" } ?? "ever")"
    }

    func removeListener(
        at path: String, options: CallOptions
    ) async throws(BlobError) -> [OpenUpload] {
        guard path == "/run/job.sock" else {
            throw BlobError(.notFound, "no socket is served at \(path)")
        }
        let uri = BlobURI(scheme: .blob, container: "job", key: "disk")
        return [
            OpenUpload(upload: MultipartUpload(uri: uri, uploadID: "one"), isAborted: true),
            OpenUpload(
                upload: MultipartUpload(uri: uri, uploadID: "two"),
                error: BlobError(.other, "the store is away")),
        ]
    }

    func listListeners(options: CallOptions) async throws(BlobError) -> [ListenerStatus] {
        [
            ListenerStatus(path: "/run/admin.sock", connectionCount: 1, policy: "sockets"),
            ListenerStatus(
                path: "/run/job.sock", connectionCount: 2, policy: "reads only", isAdded: true,
                leaseSeconds: 30, endsWithCaller: true),
        ]
    }
}

/// Runs command lines against a store in memory.
struct Harness {
    var store = MemoryStore()
    let output = MemorySink()
    let errors = MemorySink()

    /// Parses `arguments` as the process would, and runs the command; JSON when they ask for it.
    func run(_ arguments: String..., timeout: Duration? = nil) async throws {
        let ordered = ArgumentOrder.movingGlobalOptions(arguments)
        let command = try Blobctl.parseAsRoot(ordered)
        guard let command = command as? any StoreCommand else { throw NoStoreCommand() }
        let console = Console(
            output: output, errors: errors, usesJSON: command.global.json,
            isQuiet: command.global.quiet)
        try await command.run(
            in: CommandContext(
                store: store, server: FakeServer(), console: console,
                deadline: CallDeadline(timeout: timeout)))
    }

    /// The exit status with which the command line would end.
    func status(_ body: () async throws -> Void) async -> CommandStatus {
        do {
            try await body()
            return .success
        } catch {
            return FailureReport(error).status
        }
    }

    struct NoStoreCommand: Error {}
}

/// A directory that is gone when the test is over.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/blobctl-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw BlobError.system("create", "/tmp") }
        path = String(cString: made)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// What is in the directory.
    var names: [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Writes a file and returns its path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = try OpenFile(path: "\(path)/\(name)", flags: O_WRONLY | O_CREAT | O_TRUNC)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        return file.path
    }

    func read(_ name: String) throws -> [UInt8] {
        let file = try OpenFile(path: "\(path)/\(name)", flags: O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: try file.status().st_size)
        let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return Array(bytes.prefix(count))
    }
}

/// Bytes that differ enough to notice any mix-up.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}
