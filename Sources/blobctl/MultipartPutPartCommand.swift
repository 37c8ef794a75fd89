import ArgumentParser
import BlobCore

/// `blobctl multipart put-part`
struct MultipartPutPartCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "put-part", abstract: "Upload one part.",
        discussion: """
            A part of the same number is replaced.

            EXAMPLES
              blobctl multipart put-part s3://bucket/disk.img "$upload" 1 part1.bin
              blobctl multipart put-part s3://bucket/disk.img "$upload" 2 disk.img \\
                --range 104857600-209715199
              produce | blobctl multipart put-part s3://bucket/disk.img "$upload" 3 -
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Send these bytes of the file only.", valueName: "first-last"))
    var range: RangeArgument?

    @Option(
        help: ArgumentHelp(
            "Where the part begins in the blob; some stores then save a copy.",
            valueName: "bytes"))
    var offset: UInt64?

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UploadArguments

    @Argument(help: "The number of the part, from 1.")
    var partNumber: UInt32

    @Argument(
        help: ArgumentHelp("The file to send; - is standard input.", valueName: "local"),
        completion: .file())
    var local: String

    func validate() throws {
        try PartNumbers.validate(partNumber)
    }

    func run(in context: CommandContext) async throws {
        let body = try LocalSource.body(path: local, range: range?.range)
        let options = UploadPartOptions(offset: offset, call: try context.deadline.options())
        let bar = ProgressBar(totalByteCount: body.byteCount, console: context.console)
        defer { bar?.clear() }
        let part = try await context.store.uploadPart(
            target.upload, partNumber: partNumber, body: body.counted(by: bar), options: options)
        bar?.clear()
        try context.console.confirmation(
            json: PartNumbers.fields(part),
            text: "uploaded part \(part.partNumber)"
                + (part.etag.map { " (etag \(Formatting.printable($0)))" } ?? ""))
    }
}
