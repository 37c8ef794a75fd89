import ArgumentParser
import BlobCore

/// `blobctl admin listener remove`
struct ListenerRemoveCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Revoke a socket that was added.",
        discussion: """
            Its path is removed, its connections are closed, their calls are cancelled. Prints the \
            multipart uploads that were begun through it and are open: whether it was given up, \
            the upload's id, the URI.

            EXAMPLES
              blobctl admin listener remove /run/jobs/17/blobrpc.sock
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "What 'add' printed.", completion: .file())
    var path: String

    func run(in context: CommandContext) async throws {
        let uploads = try await context.server.removeListener(
            at: path, options: context.deadline.options())
        if context.console.usesJSON {
            try context.console.result(
                json: [
                    .init("path", .string(path)),
                    .init("uploads", .array(uploads.map { .object(Self.fields($0)) })),
                ], text: "")
        }
        for upload in uploads where !context.console.usesJSON {
            let word = upload.isAborted ? "aborted" : "open   "
            try context.console.output.write(
                "\(word)  \(Formatting.printable(upload.upload.uploadID))"
                    + "  \(Formatting.printable(upload.upload.uri.description))\n")
        }
    }

    private static func fields(_ upload: OpenUpload) -> [JSONValue.Field] {
        [
            .init("uri", .string(upload.upload.uri.description)),
            .init("upload_id", .string(upload.upload.uploadID)),
            .init("aborted", .bool(upload.isAborted)),
            .init("failure", .optional(upload.error?.message)),
        ]
    }
}
