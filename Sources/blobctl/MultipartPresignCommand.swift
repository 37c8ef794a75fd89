import ArgumentParser
import BlobCore

/// `blobctl multipart presign`
struct MultipartPresignCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "presign", abstract: "Sign a URL for each of several parts.",
        discussion: """
            One line for each part: its number, a tab, the URL. Whoever has a URL can upload that \
            part until it expires.

            EXAMPLES
              blobctl multipart presign s3://bucket/disk.img "$upload" --parts 1-3,7 \\
                --expires 3600
            """)

    @Option(help: ArgumentHelp("The parts, for example 1-3,7.", valueName: "numbers"))
    var parts: PartNumbers

    @Option(help: ArgumentHelp("How long the URLs are to work.", valueName: "seconds"))
    var expires: UInt32

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UploadArguments

    func validate() throws {
        try PresignOptions.validate(seconds: expires)
    }

    func run(in context: CommandContext) async throws {
        let options = PresignOptions(
            validSeconds: expires, call: try context.deadline.options())
        let signed = try await context.store.presignUploadParts(
            target.upload, partNumbers: parts.numbers, options: options)
        guard signed.count == parts.numbers.count else {
            throw BlobError(
                .other, "\(signed.count) URLs came for \(parts.numbers.count) parts",
                uri: target.uri)
        }
        for (number, url) in zip(parts.numbers, signed) {
            PresignCommand.noteHeaders(url.headers, console: context.console)
            let field = JSONValue.Field("part_number", .unsigned(UInt64(number)))
            try context.console.result(
                json: [field] + PresignCommand.fields(url), text: "\(number)\t\(url.url)")
        }
    }
}
