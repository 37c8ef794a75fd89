import ArgumentParser
import BlobCore

/// `blobctl multipart complete`
struct MultipartCompleteCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "complete", abstract: "Make the blob from its parts.",
        discussion: """
            Without --part, the blob is made from all parts that the server has. With --part, from \
            those named and no others: give it once for each.

            EXAMPLES
              blobctl multipart complete s3://bucket/disk.img "$upload"
              blobctl multipart complete s3://bucket/disk.img "$upload" --create-only \\
                --part 1='"9b2cf5"' --part 2='"77ab01"'
            """)

    @OptionGroup var condition: ConditionOptions

    @Option(
        name: .customLong("part"),
        help: ArgumentHelp(
            "A part and the entity tag its upload was answered with, if any; may be repeated.",
            valueName: "number[=etag]"))
    var parts: [PartArgument] = []

    @OptionGroup var global: GlobalOptions
    @OptionGroup var target: UploadArguments

    func run(in context: CommandContext) async throws {
        let named = parts.map(\.part).sorted { $0.partNumber < $1.partNumber }
        let parts =
            try await named.isEmpty
            ? MultipartPartsCommand.allParts(of: target.upload, in: context) : named
        let options = CompleteOptions(
            condition: condition.condition, call: try context.deadline.options())
        let result = try await context.store.completeMultipartUpload(
            target.upload, parts: parts, options: options)
        try ResultText.printPut(target.uri, result, verb: "stored", console: context.console)
    }
}

/// `NUMBER` or `NUMBER=ETAG`.
struct PartArgument: ExpressibleByArgument, Equatable {
    let part: UploadedPart

    init?(argument: String) {
        let pieces = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = pieces.first, let number = UInt32(first),
            PartNumbers.valid.contains(number)
        else { return nil }
        // Nothing behind the equals sign is what a script has where the store gives no tags.
        let etag = pieces.count > 1 && !pieces[1].isEmpty ? String(pieces[1]) : nil
        part = UploadedPart(partNumber: number, etag: etag)
    }
}
