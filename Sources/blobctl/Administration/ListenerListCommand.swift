import ArgumentParser
import BlobCore

/// `blobctl admin listener list`
struct ListenerListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the sockets of the server.",
        discussion: """
            One line for each: its connections, where it comes from ('file', or 'added' with what \
            is left of its lease), its path, and what its peers may do.

            EXAMPLES
              blobctl admin listener list
              blobctl admin listener list --json | jq -r 'select(.added) | .path'
            """)

    @OptionGroup var global: GlobalOptions

    func run(in context: CommandContext) async throws {
        let listeners = try await context.server.listListeners(options: context.deadline.options())
        for listener in listeners {
            try context.console.result(
                json: [
                    .init("path", .string(listener.path)),
                    .init("connections", .unsigned(UInt64(listener.connectionCount))),
                    .init("policy", .string(listener.policy)),
                    .init("added", .bool(listener.isAdded)),
                    .init(
                        "lease_seconds",
                        listener.leaseSeconds.map { .unsigned(UInt64($0)) } ?? .null
                    ),
                    .init("ends_with_caller", .bool(listener.endsWithCaller)),
                ], text: Self.line(listener))
        }
    }

    private static func line(_ listener: ListenerStatus) -> String {
        let count = ResultText.rightAligned(String(listener.connectionCount), width: 5)
        var origin = listener.isAdded ? "added" : "file"
        if let seconds = listener.leaseSeconds { origin += " \(seconds) s" }
        return "\(count)  \(ResultText.rightAligned(origin, width: 12))"
            + "  \(Formatting.printable(listener.path))  \(Formatting.printable(listener.policy))"
    }
}
