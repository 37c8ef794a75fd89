import ArgumentParser
import BlobCore

/// `blobctl multipart parts`
struct MultipartPartsCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "parts", abstract: "List the parts uploaded so far.",
        discussion: """
            One line for each part: its number, its size in bytes, its entity tag; a dash where \
            the store does not say.

            EXAMPLES
              blobctl multipart parts s3://bucket/disk.img "$upload"
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UploadArguments

    func run(in context: CommandContext) async throws {
        for part in try await Self.allParts(of: target.upload, in: context) {
            let size = part.byteCount.map { String($0) } ?? "-"
            let etag = Formatting.printable(part.etag ?? "-")
            try context.console.result(
                json: PartNumbers.fields(part),
                text: ResultText.rightAligned(String(part.partNumber), width: 5)
                    + "  \(ResultText.rightAligned(size, width: 14))  \(etag)")
        }
    }

    /// All pages of the parts.
    static func allParts(
        of upload: MultipartUpload, in context: CommandContext
    ) async throws(BlobError) -> [UploadedPart] {
        var parts: [UploadedPart] = []
        var after: UInt32 = 0
        while true {
            let page = try await context.store.listParts(
                upload, afterPartNumber: after, options: context.deadline.options())
            parts += page.parts
            guard let next = page.nextPartNumber else { return parts }
            guard next > after else {
                throw BlobError(.other, "the list of parts does not advance", uri: upload.uri)
            }
            after = next
        }
    }
}
