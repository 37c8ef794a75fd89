import ArgumentParser
import BlobCore

/// `blobctl multipart abort`
struct MultipartAbortCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "abort", abstract: "Give up an upload and remove its parts.",
        discussion: """
            An unknown upload counts as given up. A blob of that name stays as it is.

            EXAMPLES
              blobctl multipart abort s3://bucket/disk.img "$upload"
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UploadArguments

    func run(in context: CommandContext) async throws {
        try await context.store.abortMultipartUpload(
            target.upload, options: context.deadline.options())
        try context.console.confirmation(
            json: [
                .init("uri", .string(target.uri.description)),
                .init("upload_id", .string(target.uploadID)), .init("aborted", .bool(true)),
            ],
            text: "gave up \(Formatting.printable(target.uploadID))")
    }
}
