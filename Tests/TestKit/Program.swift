public import BlobCore
internal import Foundation
internal import Glibc
internal import Synchronization

/// Other programs, run to their end.
public enum Program {
    /// How a program ended and what it wrote.
    public struct Outcome: Sendable {
        /// Its exit status, or minus the signal that ended it.
        public let status: Int32
        /// What it wrote to standard output.
        public let output: Bytes
        /// What it wrote to standard error.
        public let complaint: String
    }

    /// Runs `command`, whose first word is a path, with nothing of this process's environment.
    ///
    /// The program is killed when the task is cancelled, so that a suite's time limit bounds it.
    public static func run(
        _ command: [String], environment: [String: String] = [:]
    ) async throws -> Outcome {
        let directory = try TemporaryDirectory()
        let program = Running(
            try spawn(command, environment: environment, directory: directory.path))
        let status = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: program.wait()) }
            }
        } onCancel: {
            program.kill()
        }
        let output = FileManager.default.contents(atPath: "\(directory.path)/output") ?? Data()
        return Outcome(
            status: status, output: Bytes([UInt8](output)),
            complaint: directory.text(of: "complaint") ?? "")
    }

    /// With posix_spawn(3), as `ServerProcess` has it, and with files for the output: a pipe that
    /// nobody reads would hold the program up.
    private static func spawn(
        _ command: [String], environment: [String: String], directory: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        let flags = O_WRONLY | O_CREAT
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, "\(directory)/output", flags, 0o600)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, "\(directory)/complaint", flags, 0o600)
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var identifier: pid_t = 0
        let failure = posix_spawn(&identifier, command[0], &actions, nil, &words, &variables)
        guard failure == 0 else {
            throw ServerProcessError(description: "cannot start \(command[0]): errno \(failure)")
        }
        return identifier
    }

    /// A process that is waited for by one thread and may be killed by another.
    private final class Running: Sendable {
        private let identifier: pid_t
        /// Whether the process has ended; its number may belong to another one once it is reaped.
        private let hasEnded = Mutex(false)

        init(_ identifier: pid_t) {
            self.identifier = identifier
        }

        func kill() {
            hasEnded.withLock { hasEnded in
                if !hasEnded { _ = Glibc.kill(identifier, SIGKILL) }
            }
        }

        func wait() -> Int32 {
            // The process stays a zombie, and its number taken, until the lock is held.
            var info = siginfo_t()
            while waitid(P_PID, id_t(identifier), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
            return hasEnded.withLock { hasEnded in
                var status: Int32 = 0
                while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
                hasEnded = true
                let signal = status & 0x7F
                return signal == 0 ? (status >> 8) & 0xFF : -signal
            }
        }
    }
}
