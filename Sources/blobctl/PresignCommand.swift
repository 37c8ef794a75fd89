import ArgumentParser
import BlobCore

/// `blobctl presign`
struct PresignCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "presign", abstract: "Sign a URL that works without credentials.",
        discussion: """
            Standard output gets the URL alone. Whoever has the URL can use it until it expires: \
            treat it as a password.

            EXAMPLES
              curl -O "$(blobctl presign s3://bucket/report.pdf --expires 600)"
              curl -T report.pdf "$(blobctl presign --put s3://bucket/report.pdf --expires 600)"
              curl -I "$(blobctl presign --method head s3://bucket/report.pdf --expires 600)"
            """)

    @Option(help: ArgumentHelp("How long the URL is to work.", valueName: "seconds"))
    var expires: UInt32

    @Option(help: "What the URL is to do.")
    var method = PresignMethod.get

    @Flag(help: "The same as --method put.")
    var put = false

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The blob to sign for.", transform: BlobURI.argument)
    var uri: BlobURI

    func validate() throws {
        try PresignOptions.validate(seconds: expires)
        guard !put || method == .get || method == .put else {
            throw ValidationError(
                "--put and --method \(method.defaultValueDescription) contradict each other.")
        }
    }

    func run(in context: CommandContext) async throws {
        let options = PresignOptions(
            validSeconds: expires, call: try context.deadline.options())
        let signed = try await context.store.presign(
            put ? .put : method, uri, options: options)
        Self.noteHeaders(signed.headers, console: context.console)
        try context.console.result(json: Self.fields(signed), text: signed.url)
    }

    /// The fields of a signed URL.
    static func fields(_ signed: PresignedURL) -> [JSONValue.Field] {
        [
            .init("url", .string(signed.url)), .init("method", .string(signed.method)),
            .init("headers", .sorted(signed.headers)),
            .init("expires_at", .optional(signed.expiresAt?.description)),
        ]
    }

    /// Says which headers the user of the URL has to send: without them it does not work.
    static func noteHeaders(_ headers: [String: String], console: Console) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            console.note("send the header '\(name): \(value)' with this URL")
        }
    }
}
