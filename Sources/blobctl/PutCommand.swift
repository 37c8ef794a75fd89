import ArgumentParser
import BlobCore

/// `blobctl put`
struct PutCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Store a local file as a blob.",
        discussion: """
            The blob appears whole or not at all. A file that changes while it is being sent is an \
            error, and nothing is stored.

            EXAMPLES
              blobctl put report.pdf s3://bucket/2026/report.pdf
              tar cz photos | blobctl put - blob://backup/photos.tar.gz --create-only
              blobctl put page.html gs://site/index.html --content-type text/html
              blobctl put image.iso file:///srv/image.iso --sha256
            """)

    @OptionGroup var condition: ConditionOptions
    @OptionGroup var description: DescriptionOptions

    @Flag(name: .customLong("sha256"), help: "Compute the SHA-256 on the way and print it.")
    var computesSHA256 = false

    @Option(
        name: .customLong("expect-sha256"),
        help: ArgumentHelp("Store nothing unless the bytes have this SHA-256.", valueName: "hex"))
    var expectedSHA256: DigestArgument?

    @OptionGroup var global: GlobalOptions

    @Argument(
        help: ArgumentHelp("The file to send; - is standard input.", valueName: "local"),
        completion: .file())
    var local: String

    @Argument(help: "The blob to write.", transform: BlobURI.argument)
    var uri: BlobURI

    func run(in context: CommandContext) async throws {
        let body = try LocalSource.body(path: local)
        let options = PutOptions(
            condition: condition.condition, contentType: description.contentType,
            userMetadata: description.userMetadata, computesSHA256: computesSHA256,
            expectedSHA256: expectedSHA256?.bytes, call: try context.deadline.options())
        let bar = ProgressBar(totalByteCount: body.byteCount, console: context.console)
        defer { bar?.clear() }
        let result = try await context.store.put(uri, body: body.counted(by: bar), options: options)
        bar?.clear()
        try ResultText.printPut(uri, result, verb: "stored", console: context.console)
        // Asked for by name: it is printed even when confirmations are not.
        if computesSHA256, !context.console.usesJSON {
            guard let sha256 = result.sha256 else {
                throw BlobError(
                    .unsupportedOperation, "the server stored the blob but computed no SHA-256")
            }
            let name = Formatting.printable(uri.description)
            try context.console.output.write("\(Formatting.hexadecimal(sha256))  \(name)\n")
        }
    }
}
