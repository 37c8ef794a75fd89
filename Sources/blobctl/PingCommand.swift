import ArgumentParser
import BlobCore

/// `blobctl ping`
struct PingCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Measure how fast the server answers.",
        discussion: """
            EXAMPLES
              blobctl ping
              blobctl ping --count 100 --json | jq .milliseconds
              until blobctl ping --quiet; do sleep 1; done
            """)

    @Option(help: ArgumentHelp("How often to ask.", valueName: "count"))
    var count: UInt32 = 1

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if count == 0 { throw ValidationError("--count takes a number above 0.") }
    }

    func run(in context: CommandContext) async throws {
        var total = Duration.zero
        var (shortest, longest) = (Duration.seconds(Int64.max), Duration.zero)
        for number in 1...count {
            let duration = try await context.server.ping(options: context.deadline.options())
            total += duration
            (shortest, longest) = (min(shortest, duration), max(longest, duration))
            try context.console.confirmation(
                json: [
                    .init("number", .unsigned(UInt64(number))),
                    .init("milliseconds", .number(duration / .milliseconds(1))),
                ],
                text: "answer \(number): \(Formatting.milliseconds(duration))")
        }
        guard count > 1, !context.console.usesJSON else { return }
        try context.console.confirmation(
            json: [],
            text: "shortest \(Formatting.milliseconds(shortest)), "
                + "average \(Formatting.milliseconds(total / Int(count))), "
                + "longest \(Formatting.milliseconds(longest))")
    }
}
