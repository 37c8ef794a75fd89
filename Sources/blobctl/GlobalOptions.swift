import ArgumentParser
import BlobCore
import Glibc

/// The options of every command.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The socket of the server.",
            discussion: "Without it: $BLOBRPC_SOCKET, else the default socket of this user.",
            valueName: "path"),
        completion: .file())
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "Refuse a server that runs as another user than this number.",
            discussion: "A socket that a service manager made is the manager's, mostly 0.",
            valueName: "uid"))
    var serverUser: UInt32?

    @Option(
        help: ArgumentHelp(
            "Give up after this many seconds; fractions are allowed.", valueName: "seconds"))
    var timeout: Double?

    @Flag(help: "Print JSON: one object per line, errors too.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print no confirmations and no progress.")
    var quiet = false

    func validate() throws {
        if let timeout, !(timeout > 0 && timeout <= 1e9) {
            throw ValidationError("--timeout takes a number of seconds above 0.")
        }
        if let socket, socket.isEmpty { throw ValidationError("--socket takes a path.") }
    }

    /// The names that may also stand before the command, and whether a value follows.
    static let takesValue: [String: Bool] = [
        "--socket": true, "--server-user": true, "--timeout": true, "--json": false,
        "--quiet": false, "-q": false,
    ]

    /// Where to connect.
    var socketPath: SocketPath {
        SocketPath(
            option: socket, variable: getenv("BLOBRPC_SOCKET").map { String(cString: $0) })
    }

    /// The console these options ask for.
    func console() -> Console {
        Console(usesJSON: json, isQuiet: quiet)
    }
}
