import ArgumentParser
import BlobCore

/// `blobctl stat`
struct StatCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat", abstract: "Show what is known about a blob.",
        discussion: """
            EXAMPLES
              blobctl stat s3://bucket/2026/report.pdf
              blobctl stat --json blob://backup/photos.tar.gz | jq .byte_count
              blobctl stat gs://site/index.html >/dev/null || echo "not there, or worse: $?"
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob to look at.", transform: BlobURI.argument)
    var uri: BlobURI

    func run(in context: CommandContext) async throws {
        let options = GetOptions(call: try context.deadline.options())
        let metadata = try await context.store.head(uri, options: options)
        try context.console.result(
            json: ResultText.fields(uri, metadata), text: ResultText.lines(uri, metadata))
    }
}
