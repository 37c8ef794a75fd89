import ArgumentParser
import BlobCore

/// `blobctl rm`
struct RemoveCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Delete blobs.",
        discussion: """
            Deleting what is not there succeeds. Every blob is tried; each failure is reported, \
            and the first one gives the exit code.

            EXAMPLES
              blobctl rm s3://bucket/2026/report.pdf
              blobctl rm blob://backup/a blob://backup/b
            """)

    /// The most blobs of one call (`BlobStore.delete`).
    static let batchBlobCount = 1000

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blobs to delete.", transform: BlobURI.argument)
    var uris: [BlobURI]

    func run(in context: CommandContext) async throws {
        var firstFailure: CommandStatus?
        for batch in Self.batches(uris) {
            let options = try context.deadline.options()
            let outcomes = try await context.store.delete(batch, options: options)
            guard outcomes.count == batch.count else {
                throw BlobError(
                    .other, "\(outcomes.count) answers came for \(batch.count) blobs")
            }
            for (uri, outcome) in zip(batch, outcomes) {
                switch outcome {
                case .success(let result):
                    try Self.printDeleted(uri, result, console: context.console)
                case .failure(let error):
                    let report = FailureReport(error.on(uri))
                    context.console.report(report)
                    firstFailure = firstFailure ?? report.status
                }
            }
        }
        if let firstFailure { throw ReportedFailure(status: firstFailure) }
    }

    /// Neighbours of one container together: the stores delete many blobs of one container at once.
    static func batches(_ uris: [BlobURI]) -> [[BlobURI]] {
        var batches: [[BlobURI]] = []
        for uri in uris {
            if let last = batches.last, let first = last.first, last.count < batchBlobCount,
                first.replacingKey("") == uri.replacingKey("")
            {
                batches[batches.count - 1].append(uri)
            } else {
                batches.append([uri])
            }
        }
        return batches
    }

    private static func printDeleted(
        _ uri: BlobURI, _ result: DeleteResult, console: Console
    ) throws {
        let name = Formatting.printable(uri.description)
        try console.confirmation(
            json: [
                .init("uri", .string(uri.description)), .init("deleted", .bool(true)),
                .init("existed", result.existed.map { .bool($0) } ?? .null),
            ],
            text: result.existed == false ? "\(name) was not there" : "deleted \(name)")
    }
}
