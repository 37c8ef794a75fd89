import ArgumentParser
import BlobCore
import Glibc

/// The command-line client of blobrpcd.
@main
struct Blobctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blobctl", abstract: "Store, read and manage blobs through blobrpcd.",
        discussion: """
            Blobs are named by URIs: file:///path, s3://bucket/key, gs://bucket/object, \
            az://container/blob, or blob://mount/key for the mounts of the server's configuration.

            Every command takes --socket PATH, --timeout SECONDS, --json and --quiet, before or \
            after its name. Without --socket, $BLOBRPC_SOCKET names the socket, else \
            $XDG_RUNTIME_DIR/blobrpc/blobrpc.sock; without that variable, \
            /run/blobrpc/blobrpc.sock for root and /tmp/blobrpc-UID/blobrpc.sock for others.

            EXAMPLES
              blobctl put report.pdf s3://bucket/report.pdf
              blobctl get s3://bucket/report.pdf - | wc -c
              blobctl ls -r blob://backup
              blobctl --socket /run/blobrpc/blobrpc.sock info

            \(CommandStatus.helpText)
            """,
        version: "blobctl \(version)",
        subcommands: [
            PutCommand.self, GetCommand.self, StatCommand.self, ListCommand.self,
            RemoveCommand.self, CopyCommand.self, PresignCommand.self, MultipartCommand.self,
            PingCommand.self, InfoCommand.self, AdminCommand.self, CompletionCommand.self,
        ])

    /// The version of the client.
    static let version = "0.1.0"

    /// The parser's own `main` ends with exit codes and error texts that are not ours.
    static func main() async {
        Interruption.ignoreBrokenPipes()
        let arguments = ArgumentOrder.movingGlobalOptions(
            Array(CommandLine.arguments.dropFirst()))
        Glibc.exit(await run(arguments: arguments).rawValue)
    }

    /// Parses, runs, and reports what went wrong.
    private static func run(arguments: [String]) async -> CommandStatus {
        var console = Console.forUnparsed(arguments)
        do {
            var command = try await asyncParseAsRoot(arguments)
            if let command = command as? any StoreCommand { console = command.global.console() }
            do {
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
                return .success
            } catch  where !isForParser(error) {
                let failure = FailureReport(error)
                console.report(failure)
                return failure.status
            }
        } catch {
            return finish(parserResult: error, console: console)
        }
    }

    /// Whether only the parser knows what the error means: a request for help, for example.
    private static func isForParser(_ error: any Error) -> Bool {
        error is CleanExit || error is ExitCode || error is ValidationError
            || exitCode(for: error) == .success
    }

    /// Help goes to standard output, usage errors to standard error.
    private static func finish(parserResult error: any Error, console: Console) -> CommandStatus {
        let text = fullMessage(for: error)
        guard exitCode(for: error) == .success else {
            if console.usesJSON {
                console.report(FailureReport(usage: message(for: error)))
            } else {
                let label = "Error: "
                let body = text.hasPrefix(label) ? text.dropFirst(label.count) : text[...]
                // The exit status still tells when standard error is closed.
                try? console.errors.write("blobctl: \(body)\n")
            }
            return .usage
        }
        do {
            try console.output.write(text + "\n")
            return .success
        } catch {
            return FailureReport(error).status
        }
    }
}
