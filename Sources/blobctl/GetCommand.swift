import ArgumentParser
import BlobCore

/// `blobctl get`
struct GetCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Read a blob into a local file.",
        discussion: """
            The file appears whole or not at all; a download that fails or is interrupted leaves \
            an older file as it was. In a directory, the file is named after the last part of the \
            key.

            EXAMPLES
              blobctl get s3://bucket/2026/report.pdf report.pdf
              blobctl get s3://bucket/2026/report.pdf ~/Downloads
              blobctl get blob://backup/photos.tar.gz - | tar tz
              blobctl get file:///var/log/syslog - --range -1000
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Read these bytes only: 0-99 the first hundred, 100- all after them, -100 the last.",
            valueName: "first-last"))
    var range: RangeArgument?

    @Option(help: ArgumentHelp("Read only the version with this entity tag.", valueName: "etag"))
    var ifMatch: String?

    @Flag(help: "Return only once the file is on the disk, beyond a power failure.")
    var sync = false

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob to read.", transform: BlobURI.argument)
    var uri: BlobURI

    @Argument(
        help: ArgumentHelp(
            "The file or directory to write; - is standard output.", valueName: "local"),
        completion: .file())
    var local: String

    func run(in context: CommandContext) async throws {
        // Before anything is asked of the server: a wrong name should cost nothing.
        let destination = try LocalDestination(path: local, uri: uri)
        let options = GetOptions(
            ranges: range.map { [$0.range] } ?? [], ifMatch: ifMatch,
            call: try context.deadline.options())
        let read = try await context.store.read(uri, options: options)
        let download = Download(
            read: read, uri: uri,
            bar: ProgressBar(totalByteCount: read.byteCount, console: context.console))
        let path: String
        switch destination {
        case .standardOutput:
            // The bytes are the output: a confirmation would end up among them.
            try await download.run(into: context.console.output)
            return
        case .stream(let name):
            try await download.run(intoStream: name)
            path = name
        case .file(let name):
            try await download.run(intoFile: name, synchronizes: sync)
            path = name
        }
        let fields: [JSONValue.Field] = [
            .init("local", .string(path)), .init("received_byte_count", .unsigned(read.byteCount)),
        ]
        try context.console.confirmation(
            json: ResultText.fields(uri, read.metadata) + fields,
            text: "read \(Formatting.printable(path)) (\(read.byteCount) bytes, "
                + "etag \(Formatting.printable(read.metadata.etag)))")
    }
}
