import ArgumentParser
import BlobCore

/// `blobctl admin listener add`
struct ListenerAddCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Serve one more socket.",
        discussion: """
            The file is one listener as the server's configuration has them, YAML or JSON, with the \
            same keys; '-' is standard input. Clients can connect when the path is printed.

            With --lease the socket goes after so many seconds unless the same text is added \
            again. Whatever was added ends with the server. A socket that ends with the connection \
            of its launcher is for programs that stay (ListenerOptions in Swift): this command's \
            connection ends at once.

            EXAMPLES
              blobctl admin listener add job-17.yaml --lease 60
              printf '%s' '{"path": "/run/jobs/17/blobrpc.sock", "mode": "0666", "policy":
                {"trust": "untrusted", "grants": [
                  {"prefix": "blob://job/17/input/", "operations": ["read"]},
                  {"prefix": "blob://job/17/output/", "operations": ["write"]}]}}' |
                blobctl admin listener add -
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The file with the listener, or '-'.", completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "Remove it after this time unless it is added again.", valueName: "seconds"))
    var lease: UInt32?

    func validate() throws {
        if lease == 0 { throw ValidationError("--lease takes at least 1 second.") }
    }

    /// A listener is one field of the protocol.
    private static let maximumByteCount = 65_535

    func run(in context: CommandContext) async throws {
        let text = try await readText()
        let call = try context.deadline.options()
        let options = ListenerOptions(leaseSeconds: lease, call: call)
        let path = try await context.server.addListener(text: text, options: options)
        try context.console.result(
            json: [.init("path", .string(path))], text: Formatting.printable(path))
    }

    private func readText() async throws(BlobError) -> String {
        let source = try LocalSource.body(path: file).makeSource()
        var bytes: [UInt8] = []
        while let piece = try await source.next() {
            bytes += piece
            guard bytes.count <= Self.maximumByteCount else {
                throw BlobError(
                    .tooLarge, "\(file) is longer than the 64 KiB of a listener", origin: .client)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw BlobError.usage("\(file) is not UTF-8")
        }
        return text
    }
}
