import ArgumentParser
import BlobCore

/// `blobctl multipart create`
struct MultipartCreateCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Begin an upload and print its id.",
        discussion: """
            EXAMPLES
              upload=$(blobctl multipart create s3://bucket/disk.img)
              blobctl multipart create gs://site/film.mp4 --content-type video/mp4
            """)

    @OptionGroup var description: DescriptionOptions
    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob that the upload becomes.", transform: BlobURI.argument)
    var uri: BlobURI

    func run(in context: CommandContext) async throws {
        let options = MultipartOptions(
            contentType: description.contentType, userMetadata: description.userMetadata,
            call: try context.deadline.options())
        let upload = try await context.store.createMultipartUpload(uri, options: options)
        try context.console.result(
            json: [
                .init("uri", .string(uri.description)),
                .init("upload_id", .string(upload.uploadID)),
            ],
            text: upload.uploadID)
    }
}
