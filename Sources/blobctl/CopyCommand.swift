import ArgumentParser
import BlobCore

/// `blobctl cp`
struct CopyCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy a blob to another within the server.",
        discussion: """
            From one store to another, too. The bytes do not pass through this machine; content type \
            and metadata go along. Both URIs name blobs: local files are for 'put' and 'get'. A copy \
            that fails leaves nothing.

            EXAMPLES
              blobctl cp s3://bucket/report.pdf s3://bucket/archive/report.pdf
              blobctl cp s3://bucket/report.pdf gs://other/report.pdf
              blobctl cp --create-only file:///srv/disk.img az://backup/disk.img
            """)

    @OptionGroup var condition: ConditionOptions

    @Option(
        help: ArgumentHelp("Copy only the version with this entity tag.", valueName: "etag"))
    var ifSourceMatch: String?

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob to copy.", transform: BlobURI.argument)
    var source: BlobURI

    @Argument(help: "The blob to write.", transform: BlobURI.argument)
    var destination: BlobURI

    func run(in context: CommandContext) async throws {
        let options = CopyOptions(
            condition: condition.condition, ifSourceMatch: ifSourceMatch,
            call: try context.deadline.options())
        let result = try await context.store.copy(from: source, to: destination, options: options)
        try ResultText.printPut(destination, result, verb: "copied", console: context.console)
    }
}
