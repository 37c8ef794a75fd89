import ArgumentParser

/// `blobctl completion`
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: """
            EXAMPLES
              blobctl completion bash >/etc/bash_completion.d/blobctl
              blobctl completion zsh >~/.zsh/completions/_blobctl
              blobctl completion fish >~/.config/fish/completions/blobctl.fish
            """)

    @Argument(
        help: "The shell: bash, zsh or fish.", completion: .list(["bash", "zsh", "fish"]),
        transform: Self.shell)
    var shell: CompletionShell

    func run() throws {
        let script = Blobctl.completionScript(for: shell)
        try DescriptorSink.standardOutput.write(script + "\n")
    }

    @Sendable private static func shell(_ name: String) throws -> CompletionShell {
        guard let shell = CompletionShell(rawValue: name) else {
            throw ValidationError("write bash, zsh or fish.")
        }
        return shell
    }
}
