import CLinuxShims
import Glibc
import Testing

@testable import LinuxIO

@Suite struct ListenerTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("service.sock") }

    init() throws { directory = try TemporaryDirectory() }

    private func accept(_ listener: UnixListener) -> Bool {
        if case .connection = listener.accept() { true } else { false }
    }

    @Test func connectsAndAccepts() throws {
        let listener = try UnixListener.bind(path: path)
        if case .wouldBlock = listener.accept() {} else { Issue.record("expected wouldBlock") }
        let client = try connectUnix(path: path)
        #expect(accept(listener))
        #expect(try PeerCredentials(ofSocket: client.rawValue).processID == getpid())
        #expect(listener.removePath())
        #expect(directory.names.isEmpty)
    }

    @Test(arguments: [UInt32(0o600), 0o660, 0o666, 0o700])
    func permissionsAreThoseAsked(mode: UInt32) throws {
        let listener = try UnixListener.bind(path: path, mode: mode, groupID: getegid())
        #expect(fileMode(path) == mode)
        #expect(directory.names == ["service.sock", "service.sock.lock"])
        listener.removePath()
    }

    /// Looks at the directory at the moment between bind and rename, where an injected probe is
    /// asked about a stale socket, and after: the final name never has other permissions.
    @Test func permissionsAreRightWhenThePathAppears() async throws {
        let path = path
        let watcher = Task.detached { () -> Set<UInt32> in
            var modes: Set<UInt32> = []
            while !Task.isCancelled {
                if let mode = fileMode(path) { modes.insert(mode) }
                await Task.yield()
            }
            return modes
        }
        for _ in 0..<200 {
            let listener = try UnixListener.bind(path: path, mode: 0o640)
            #expect(fileMode(path) == 0o640)
            listener.removePath()
        }
        watcher.cancel()
        #expect(await watcher.value.isSubset(of: [0o640]))
    }

    @Test func livePathIsNotStolen() throws {
        let listener = try UnixListener.bind(path: path)
        #expect(throws: ListenerError.pathInUse(path)) { try UnixListener.bind(path: path) }
        let client = try connectUnix(path: path)
        #expect(accept(listener))
        try client.close()
        listener.removePath()
    }

    /// A server that knows nothing about lock files is found by asking its socket.
    @Test func livePathWithoutALockIsNotStolen() throws {
        let foreign = OwnedDescriptorBox(OwnedDescriptor(owning: clinux_unix_socket(1)))
        #expect(clinux_bind(foreign.number, path) == 0)
        #expect(clinux_listen(foreign.number, 1) == 0)
        #expect(throws: ListenerError.pathInUse(path)) { try UnixListener.bind(path: path) }
        #expect(directory.names.contains("service.sock"))
        // Its owner gone, the same path is stale.
        foreign.close()
        let listener = try UnixListener.bind(path: path)
        _ = try connectUnix(path: path)
        #expect(accept(listener))
    }

    @Test func stalePathIsRecovered() throws {
        // Released without removePath, as after a crash.
        _ = try UnixListener.bind(path: path)
        #expect(directory.names == ["service.sock", "service.sock.lock"])
        let listener = try UnixListener.bind(path: path)
        _ = try connectUnix(path: path)
        #expect(accept(listener))
        #expect(directory.names == ["service.sock", "service.sock.lock"])
    }

    @Test func concurrentRecoveryHasOneWinner() async throws {
        _ = try UnixListener.bind(path: path)
        let path = path
        let winners = await withTaskGroup(of: UnixListener?.self) { group in
            for _ in 0..<8 { group.addTask { try? UnixListener.bind(path: path) } }
            var winners: [UnixListener] = []
            for await listener in group { if let listener { winners.append(listener) } }
            return winners
        }
        #expect(winners.count == 1)
    }

    @Test(arguments: ["file", "directory", "link"])
    func whatIsNotASocketStays(kind: String) throws {
        switch kind {
        case "file": try makeFile(path)
        case "directory": mkdir(path, 0o700)
        default:
            try makeFile(directory.file("target"))
            symlink(directory.file("target"), path)
        }
        #expect(throws: ListenerError.pathOccupied(path)) { try UnixListener.bind(path: path) }
        #expect(directory.names.contains("service.sock"))
        #expect(!directory.names.contains { $0.hasPrefix(".bind-") })
    }

    @Test func removePathLeavesWhatIsNotOurs() throws {
        let listener = try UnixListener.bind(path: path)
        unlink(path)
        try makeFile(path)
        #expect(!listener.removePath())
        #expect(fileMode(path) != nil)
        unlink(path)
        #expect(listener.removePath())
        #expect(directory.names.isEmpty)
    }

    @Test func worldWritableParentIsRefusedUnlessSticky() throws {
        let parent = directory.path
        chmod(parent, 0o777)
        #expect(throws: ListenerError.parentWorldWritable(parent)) {
            try UnixListener.bind(path: path)
        }
        #expect(directory.names.isEmpty)
        chmod(parent, 0o1777)
        try UnixListener.bind(path: path).removePath()
    }

    @Test func parentMustBeADirectoryOfOurs() throws {
        let missing = directory.file("missing")
        #expect(throws: ListenerError.parentMissing(missing)) {
            try UnixListener.bind(path: missing + "/socket")
        }
        let file = directory.file("file")
        try makeFile(file)
        #expect(throws: ListenerError.parentNotDirectory(file)) {
            try UnixListener.bind(path: file + "/socket")
        }
        guard geteuid() == 0 else { return }
        chown(directory.path, 12345, 12345)
        #expect(throws: ListenerError.parentForeignOwner(directory.path, userID: 12345)) {
            try UnixListener.bind(path: path)
        }
    }

    @Test func lockFileMustBePlain() throws {
        try makeFile(directory.file("victim"))
        symlink(directory.file("victim"), path + ".lock")
        #expect(throws: ListenerError.lockFileUnsafe(path + ".lock")) {
            try UnixListener.bind(path: path)
        }
    }

    @Test(arguments: ["", "/", "/tmp/", "/tmp/..", "/tmp/a\0b"])
    func invalidPaths(path: String) {
        #expect(throws: ListenerError.invalidPath(path)) { try UnixListener.bind(path: path) }
    }

    @Test func longPathsWork() throws {
        let deep = directory.file(String(repeating: "d", count: 200))
        mkdir(deep, 0o700)
        let path = deep + "/" + String(repeating: "s", count: 200)
        let listener = try UnixListener.bind(path: path)
        _ = try connectUnix(path: path)
        #expect(accept(listener))
        listener.removePath()
        let tooLong = directory.file(String(repeating: "s", count: 251))
        #expect(throws: ListenerError.pathTooLong(tooLong, byteCountMax: 250)) {
            try UnixListener.bind(path: tooLong)
        }
    }

    @Test func stoppedListenerRefuses() throws {
        let listener = try UnixListener.bind(path: path)
        listener.stopListening()
        let refused = SystemError(errorNumber: ECONNREFUSED, operation: "connect")
        #expect(throws: refused) { _ = try connectUnix(path: path) }
    }

    @Test func acceptRetriesInterruptsAndAborts() throws {
        let script = Script([-Int(EINTR), -Int(EINTR), -Int(EINTR), -Int(ECONNABORTED), nil])
        var calls = SystemCalls.live
        calls.accept = { listener in script.next() ?? SystemCalls.live.accept(listener) }
        let listener = try UnixListener.bind(path: path, systemCalls: calls)
        _ = try connectUnix(path: path)
        #expect(accept(listener))
        #expect(script.remaining == 0)
    }
}

private func fileMode(_ path: String) -> UInt32? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return status.st_mode & 0o7777
}

private func makeFile(_ path: String) throws {
    try OwnedDescriptor(owning: open(path, O_RDWR | O_CREAT, 0o600)).close()
}
