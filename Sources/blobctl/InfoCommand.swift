import ArgumentParser
import BlobCore

/// `blobctl info`
struct InfoCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show what the server is and what it has done.",
        discussion: """
            EXAMPLES
              blobctl info
              blobctl info --json | jq .counters
            """)

    @OptionGroup var global: GlobalOptions

    func run(in context: CommandContext) async throws {
        let info = try await context.server.serverInfo()
        try context.console.result(json: Self.fields(info), text: Self.lines(info))
    }

    private static func fields(_ info: ServerInfo) -> [JSONValue.Field] {
        let counters = info.counters.sorted { $0.key < $1.key }
        return [
            .init("server", .string(info.serverName)),
            .init("instance_id", .string(info.instanceID)),
            .init("uptime_seconds", .unsigned(info.uptimeSeconds)),
            .init("schemes", .array(info.schemes.map { .string($0) })),
            .init("mounts", .array(info.mounts.map { .string($0) })),
            .init("counters", .object(counters.map { .init($0.key, .unsigned($0.value)) })),
        ]
    }

    private static func lines(_ info: ServerInfo) -> String {
        let counters = info.counters.sorted { $0.key < $1.key }
        return ResultText.table(
            [
                (name: "server", value: info.serverName),
                (name: "instance", value: info.instanceID),
                (name: "uptime", value: Formatting.clock(seconds: info.uptimeSeconds)),
                (name: "schemes", value: info.schemes.joined(separator: " ")),
                (name: "mounts", value: info.mounts.joined(separator: " ")),
            ] + counters.map { (name: $0.key, value: String($0.value)) })
    }
}
