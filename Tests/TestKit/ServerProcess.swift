internal import CTestShims
internal import Foundation
internal import Glibc
internal import Synchronization

/// The real server program as a process of its own, for tests that kill it or measure it.
public final class ServerProcess: Sendable {
    /// Where `swift build` put the programs.
    public static var productsDirectory: String {
        let executable = CommandLine.arguments[0]
        let path =
            executable.hasPrefix("/")
            ? executable : FileManager.default.currentDirectoryPath + "/" + executable
        var url = URL(fileURLWithPath: path).deletingLastPathComponent()
        while url.path != "/" {
            let candidate = url.appendingPathComponent("blobrpcd").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return url.path }
            url = url.deletingLastPathComponent()
        }
        return FileManager.default.currentDirectoryPath + "/.build/debug"
    }

    /// The process id.
    public let identifier: Int32
    /// The socket.
    public let socketPath: String
    /// Whether the process was waited for; its number may belong to another one then.
    private let isReaped = Mutex(false)

    /// Starts `blobrpcd` and returns once it says that it is ready.
    ///
    /// - Parameter logPath: Where standard error goes, if not where that of the tests goes; the
    ///   configuration file then says which sockets there are, and more is logged.
    public static func start(
        socketPath: String, rootPath: String, arguments: [String] = [], logPath: String? = nil
    ) async throws -> ServerProcess {
        try await start(
            socketPath: socketPath,
            command: ["\(productsDirectory)/blobrpcd", "--root", rootPath]
                + (logPath == nil
                    ? ["--socket", socketPath, "--log-level", "error"] : ["--log-level", "notice"])
                + arguments, logPath: logPath)
    }

    /// Runs `command`, which becomes `blobrpcd`, and returns once it says that it is ready.
    ///
    /// With posix_spawn(3): Foundation's `Process` has crashed here when other tests opened and
    /// closed descriptors while it started a program.
    ///
    /// - Parameters:
    ///   - environment: Besides PATH.
    ///   - inherited: Descriptors that it finds open as 3, 4 and so on.
    ///   - logPath: Where standard error goes, if not where that of the tests goes.
    public static func start(
        socketPath: String, command: [String], environment variables: [String: String] = [:],
        inherited: [Int32] = [], logPath: String? = nil
    ) async throws -> ServerProcess {
        let output = Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(
            &actions, output.fileHandleForWriting.fileDescriptor, STDOUT_FILENO)
        // Copies first, above all numbers they go to: one must not take the place of the next.
        let copies = inherited.map { fcntl($0, F_DUPFD_CLOEXEC, 64) }
        defer { for copy in copies { close(copy) } }
        for (index, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, 3 + Int32(index))
        }
        if let logPath {
            posix_spawn_file_actions_addopen(
                &actions, STDERR_FILENO, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        // What other tests have open just now, such as the pipes of servers that start, is not its.
        _ = ctest_close_from(&actions, 3 + Int32(inherited.count))
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        // A sanitizer of the tests is one of the server too, with the same options.
        let sanitizers = ["ASAN_OPTIONS", "TSAN_OPTIONS"].compactMap { name in
            ProcessInfo.processInfo.environment[name].map { "\(name)=\($0)" }
        }
        var environment: [UnsafeMutablePointer<CChar>?] =
            (["PATH=/usr/bin:/bin"] + sanitizers + variables.map { "\($0.key)=\($0.value)" })
            .map { strdup($0) } + [nil]
        defer { for word in words + environment { free(word) } }
        var identifier: pid_t = 0
        let failure = posix_spawn(&identifier, command[0], &actions, nil, &words, &environment)
        guard failure == 0 else {
            throw ServerProcessError(description: "cannot start \(command[0]): errno \(failure)")
        }
        try output.fileHandleForWriting.close()
        let server = ServerProcess(socketPath: socketPath, identifier: identifier)
        guard await isReady(output) else {
            throw ServerProcessError(description: "blobrpcd ended before it was ready")
        }
        return server
    }

    /// Waits for the line that says so, on a thread of its own; false when the output ends without
    /// it. Not by `readabilityHandler`: it may still watch the descriptor when the pipe is closed,
    /// and crashes then.
    private static func isReady(_ output: Pipe) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var text = ""
                while !text.contains("ready") {
                    let data = output.fileHandleForReading.availableData
                    guard !data.isEmpty else { return continuation.resume(returning: false) }
                    text += String(decoding: data, as: UTF8.self)
                }
                continuation.resume(returning: true)
            }
        }
    }

    private init(socketPath: String, identifier: Int32) {
        self.socketPath = socketPath
        self.identifier = identifier
    }

    deinit {
        kill(SIGKILL)
        _ = reap()
    }

    /// Sends a signal.
    public func kill(_ signal: Int32) {
        isReaped.withLock { isReaped in
            if !isReaped { _ = Glibc.kill(identifier, signal) }
        }
    }

    /// Waits for the end of the process, on a thread of its own: the pool's threads are few, and what
    /// runs on them may be what the process waits for.
    ///
    /// - Returns: Its exit status, or minus the signal that ended it; 0 when it was waited for before.
    public func waitUntilExit() async -> Int32 {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: self.reap()) }
        }
    }

    private func reap() -> Int32 {
        isReaped.withLock { isReaped in
            guard !isReaped else { return 0 }
            var status: Int32 = 0
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            isReaped = true
            let signal = status & 0x7F
            return signal == 0 ? (status >> 8) & 0xFF : -signal
        }
    }

    /// Lets the process open `freeCount` descriptors more than it has open, from now on.
    public func limitDescriptors(freeCount: Int) throws {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "/proc/\(identifier)/fd")
        let used = Set(names.compactMap { Int($0) })
        // The limit is one of numbers, and new descriptors fill the gaps below it first.
        var limit = 0
        var free = 0
        while free < freeCount {
            if !used.contains(limit) { free += 1 }
            limit += 1
        }
        let outcome = ctest_limit_descriptors(identifier, UInt(limit))
        guard outcome == 0 else {
            throw ServerProcessError(description: "prlimit: errno \(-outcome)")
        }
    }

    /// How many descriptors the process has open.
    public func openDescriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count
    }

    /// The most memory the process had in use at once, in bytes (VmHWM).
    public func peakResidentByteCount() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(separator: " ").compactMap { Int($0) }.first
        guard let kibibytes else { throw ServerProcessError(description: "no VmHWM") }
        return kibibytes << 10
    }
}

/// The server program did not behave.
public struct ServerProcessError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String
}
