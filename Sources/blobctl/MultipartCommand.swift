import ArgumentParser
import BlobCore

/// `blobctl multipart`
struct MultipartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "multipart", abstract: "Upload a blob in parts, perhaps from many machines.",
        discussion: """
            Nothing is visible before 'complete'. Part numbers count from 1 to 10000 and need not \
            be uploaded in order.

            EXAMPLES
              upload=$(blobctl multipart create s3://bucket/disk.img)
              blobctl multipart put-part s3://bucket/disk.img "$upload" 1 disk.img \\
                --range 0-104857599
              blobctl multipart put-part s3://bucket/disk.img "$upload" 2 disk.img \\
                --range 104857600-
              blobctl multipart complete s3://bucket/disk.img "$upload"
            """,
        subcommands: [
            MultipartPlanCommand.self, MultipartCreateCommand.self, MultipartPutPartCommand.self,
            MultipartPresignCommand.self, MultipartPartsCommand.self,
            MultipartCompleteCommand.self, MultipartAbortCommand.self,
        ])
}

/// Names the upload that a command works on.
struct UploadArguments: ParsableArguments {
    @Argument(help: "The blob that the upload becomes.", transform: BlobURI.argument)
    var uri: BlobURI

    @Argument(help: "What 'multipart create' printed.")
    var uploadID: String

    /// The upload.
    var upload: MultipartUpload { MultipartUpload(uri: uri, uploadID: uploadID) }
}
