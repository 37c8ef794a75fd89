import ArgumentParser
import BlobCore

/// `blobctl multipart plan`
struct MultipartPlanCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Say how to cut a blob of a given size into parts.",
        discussion: """
            One line for each part: its number, where it begins, how many bytes it has, with tabs \
            between. The parts have 100 MiB, and from the 101st on 1 GiB, within the limits of the \
            store of the URI. An empty blob is one empty part.

            EXAMPLES
              blobctl multipart plan s3://bucket/disk.img "$(stat -c %s disk.img)"
              blobctl multipart plan gs://bucket/disk.img 5000000000 --json
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob to be.", transform: BlobURI.argument)
    var uri: BlobURI

    @Argument(help: ArgumentHelp("The size of the blob in bytes.", valueName: "bytes"))
    var byteCount: UInt64

    func run(in context: CommandContext) async throws {
        let capabilities = try await context.store.capabilities(
            of: uri, options: context.deadline.options())
        let plan: ChunkPlan
        do throws(BlobError) {
            plan = try ChunkPlan(byteCount: byteCount, limits: capabilities.limits)
        } catch {
            throw error.on(uri)
        }
        for (index, range) in plan.enumerated() {
            let size = range.upperBound - range.lowerBound
            try context.console.result(
                json: [
                    .init("part_number", .unsigned(UInt64(index) + 1)),
                    .init("offset", .unsigned(range.lowerBound)),
                    .init("byte_count", .unsigned(size)),
                ],
                text: "\(index + 1)\t\(range.lowerBound)\t\(size)")
        }
    }
}
