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

    private let process: Mutex<Process>
    /// The process id.
    public let identifier: Int32
    /// The socket.
    public let socketPath: String

    /// Starts `blobrpcd` and returns once it says that it is ready.
    public static func start(
        socketPath: String, rootPath: String, arguments: [String] = []
    ) async throws -> ServerProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(productsDirectory)/blobrpcd")
        process.arguments =
            ["--socket", socketPath, "--root", rootPath, "--log-level", "error"] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let identifier = process.processIdentifier
        let server = ServerProcess(process, socketPath: socketPath, identifier: identifier)
        guard await isReady(output.fileHandleForReading) else {
            throw ServerProcessError(description: "blobrpcd ended before it was ready")
        }
        return server
    }

    /// Waits for the line that says so; false when the output ends without it.
    private static func isReady(_ reader: FileHandle) async -> Bool {
        let text = Mutex("")
        return await withCheckedContinuation { continuation in
            reader.readabilityHandler = { reader in
                let data = reader.availableData
                let isReady = text.withLock { text in
                    text += String(decoding: data, as: UTF8.self)
                    return text.contains("ready")
                }
                guard isReady || data.isEmpty else { return }
                reader.readabilityHandler = nil
                continuation.resume(returning: isReady)
            }
        }
    }

    private init(_ process: sending Process, socketPath: String, identifier: Int32) {
        self.process = Mutex(process)
        self.socketPath = socketPath
        self.identifier = identifier
    }

    deinit {
        kill(SIGKILL)
    }

    /// Sends a signal.
    public func kill(_ signal: Int32) {
        process.withLock { process in
            if process.isRunning { _ = Glibc.kill(process.processIdentifier, signal) }
        }
    }

    /// Waits for the end of the process.
    ///
    /// - Returns: Its exit status, or minus the signal that ended it.
    public func waitUntilExit() -> Int32 {
        process.withLock { process in
            process.waitUntilExit()
            return process.terminationReason == .exit
                ? process.terminationStatus : -process.terminationStatus
        }
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
