internal import Foundation
internal import Glibc
internal import Synchronization

/// `openssl s_server` on a port of the loopback interface, with a certificate that nobody trusts but
/// who is told to. It answers `GET /hello` with `hello`.
public final class TLSFileServer: Sendable {
    /// Where the program is; tests that need it are skipped without.
    public static let program = "/usr/bin/openssl"

    /// The PEM file of the certificate, its own authority. It names 127.0.0.1 only.
    public var certificateFile: String { "\(directory.path)/certificate.pem" }
    /// The port.
    public let port: UInt16
    private let directory: TemporaryDirectory
    private let identifier: Int32
    private let isStopped = Mutex(false)

    /// Makes a certificate and starts the server.
    public init() throws {
        directory = try TemporaryDirectory()
        try directory.write(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", to: "hello")
        let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        let (maker, _) = try Self.start(
            request + ["-nodes", "-keyout", "key.pem", "-out", "certificate.pem", "-days", "2"]
                + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            in: directory.path, isRead: false)
        var status: Int32 = 0
        waitpid(maker, &status, 0)
        guard status == 0 else {
            throw ServerProcessError(description: "openssl makes no certificate: \(status)")
        }
        let (server, output) = try Self.start(
            ["s_server", "-accept", "127.0.0.1:0", "-HTTP"]
                + ["-cert", "certificate.pem", "-key", "key.pem"],
            in: directory.path, isRead: true)
        identifier = server
        defer { close(output) }
        guard let port = Self.readPort(output) else {
            kill(server, SIGKILL)
            waitpid(server, nil, 0)
            throw ServerProcessError(description: "openssl s_server does not listen")
        }
        self.port = port
    }

    deinit { stop() }

    /// The URL of the file.
    public var url: String { "https://127.0.0.1:\(port)/hello" }

    /// Ends the process. Idempotent.
    public func stop() {
        isStopped.withLock { isStopped in
            guard !isStopped else { return }
            isStopped = true
            kill(identifier, SIGKILL)
            waitpid(identifier, nil, 0)
        }
    }

    /// The number in the line `ACCEPT 127.0.0.1:port`; nil when the output ends before it.
    private static func readPort(_ descriptor: Int32) -> UInt16? {
        var text: [UInt8] = []
        while true {
            var byte: UInt8 = 0
            let count = read(descriptor, &byte, 1)
            guard count == 1 else { return nil }
            text.append(byte)
            guard byte == 10 else { continue }
            let line = String(decoding: text, as: UTF8.self)
            if line.hasPrefix("ACCEPT "), let number = line.split(separator: ":").last {
                return UInt16(number.dropLast())
            }
            text = []
        }
    }

    /// posix_spawn(3), as in ``ServerProcess``; with a pipe for its output, or with none.
    private static func start(
        _ arguments: [String], in directory: String, isRead: Bool
    ) throws -> (identifier: Int32, output: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ServerProcessError(description: "pipe: \(errno)") }
        // Other programs that tests start must not hold it open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        // The server gives files of its working directory only.
        let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", directory, program]
        var words: [UnsafeMutablePointer<CChar>?] =
            (shell + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), nil]
        defer { for word in words + environment { free(word) } }
        var identifier: pid_t = 0
        let failure = posix_spawn(&identifier, shell[0], &actions, nil, &words, &environment)
        close(ends[1])
        if failure != 0 || !isRead { close(ends[0]) }
        guard failure == 0 else {
            throw ServerProcessError(description: "cannot start openssl: errno \(failure)")
        }
        return (identifier, ends[0])
    }
}
