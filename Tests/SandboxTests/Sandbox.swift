import Foundation
import Glibc
import TestKit

/// An executor under bubblewrap: no network, namespaces of its own, another user, and of the host
/// only /usr, its own program and the directory of its socket, all of them read-only.
///
/// What keeps a sandbox from starting, such as a kernel that gives ordinary users no namespaces, fails
/// the tests: CONTRIBUTING.md says what they need.
final class Sandbox: Sendable {
    /// An answer of the executor.
    struct Answer {
        let value: [String: Any]
        /// What went wrong; empty when nothing did.
        let error: [String: Any]

        var status: String { error["status"] as? String ?? "OK" }
    }

    /// The user inside, and outside as far as these tests may choose.
    static let userID = 4242

    private let process: LineProcess
    private let answers = PendingAnswers()

    /// - Parameters:
    ///   - programs: The directory of the executor's program.
    ///   - sockets: The directory that becomes `/run/blobrpc`.
    init(programs: String, sockets: String) throws {
        let answers = answers
        process = try LineProcess(
            command: Self.command(programs, sockets),
            receive: { line in
                if let line { answers.receive(line) } else { answers.end() }
            })
    }

    private static func command(_ programs: String, _ sockets: String) -> [String] {
        // Root becomes somebody else first; others cannot, and are somebody else inside only.
        let other =
            geteuid() == 0
            ? [
                "/usr/bin/setpriv", "--reuid", "\(userID)", "--regid", "\(userID)",
                "--clear-groups", "--",
            ] : []
        return other + [
            "/usr/bin/bwrap", "--unshare-all", "--uid", "\(userID)", "--gid", "\(userID)",
            "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink",
            "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev",
            "/dev", "--tmpfs", "/tmp", "--ro-bind", programs, "/program", "--ro-bind", sockets,
            "/run/blobrpc", "--clearenv", "--setenv", "PYTHONDONTWRITEBYTECODE", "1",
            "--die-with-parent", "--new-session", "--chdir", "/", "/usr/bin/python3",
            "/program/sandbox_executor.py", "/run/blobrpc/blobrpc.sock",
        ]
    }

    /// Has the executor do one thing.
    func ask(_ what: String, _ arguments: [String: Any] = [:]) async throws -> Answer {
        let (identifier, pending) = answers.expect()
        var line = arguments
        line["do"] = what
        line["id"] = identifier
        _ = process.send(try JSONSerialization.data(withJSONObject: line))
        let answer = try JSONSerialization.jsonObject(with: try await pending.value())
        let fields = answer as? [String: Any] ?? [:]
        return Answer(
            value: fields["value"] as? [String: Any] ?? [:],
            error: fields["error"] as? [String: Any] ?? [:])
    }

    /// Makes one call; `uri` may be any bytes.
    func call(
        _ operation: Any, uri: String? = nil, rawURI: [UInt8]? = nil, body: String? = nil,
        fields: [String: Any] = [:]
    ) async throws -> Answer {
        var fields = fields
        if let uri { fields["uri"] = uri }
        var arguments: [String: Any] = ["operation": operation, "fields": fields]
        if let rawURI { arguments["rawURI"] = Data(rawURI).base64EncodedString() }
        if let body { arguments["body"] = Data(body.utf8).base64EncodedString() }
        return try await ask("call", arguments)
    }

    /// Reads a blob; nil unless it got it.
    func get(_ uri: String) async throws -> String? {
        let answer = try await call("get", uri: uri)
        guard answer.status == "OK", let text = answer.value["body"] as? String else { return nil }
        return Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Ends the executor.
    func end() { process.end() }
}
