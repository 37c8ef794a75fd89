import ArgumentParser
import Glibc
import Testing

@testable import blobctl

/// The scripts that `blobctl completion` prints are programs; their shells must take them.
@Suite struct CompletionTests {
    private static let shells: [CompletionShell] = [.bash, .zsh, .fish]

    /// Runs a program of PATH; nil when there is none of that name.
    private static func run(_ words: String...) -> CInt? {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var identifier: pid_t = 0
        guard posix_spawnp(&identifier, words[0], nil, nil, &arguments, environ) == 0 else {
            return nil
        }
        var status: CInt = 0
        while waitpid(identifier, &status, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        // 127 is also what the child says that could not become the program.
        return status == 127 << 8 ? nil : status
    }

    private static func isInstalled(_ shell: CompletionShell) -> Bool {
        run(shell.rawValue, "-c", "exit 0") == 0
    }

    @Test(arguments: shells) func everyCommandIsOffered(shell: CompletionShell) {
        let script = Blobctl.completionScript(for: shell)
        for command in Blobctl.configuration.subcommands {
            let name = command.configuration.commandName ?? ""
            #expect(!name.isEmpty)
            #expect(script.contains(name), "\(shell.rawValue) does not offer \(name)")
        }
        for option in ["socket", "timeout", "json", "quiet"] {
            #expect(script.contains(option), "\(shell.rawValue) does not offer --\(option)")
        }
    }

    @Test(.enabled(if: isInstalled(.bash), "bash is not installed"))
    func bashParsesItsScript() throws { try expectParses(.bash) }

    @Test(.enabled(if: isInstalled(.zsh), "zsh is not installed"))
    func zshParsesItsScript() throws { try expectParses(.zsh) }

    @Test(.enabled(if: isInstalled(.fish), "fish is not installed"))
    func fishParsesItsScript() throws { try expectParses(.fish) }

    private func expectParses(_ shell: CompletionShell) throws {
        let directory = try TemporaryDirectory()
        let script = try directory.write(
            "script", Array(Blobctl.completionScript(for: shell).utf8))
        #expect(Self.run(shell.rawValue, "-n", script) == 0)
        // The shell would have said so.
        let broken = try directory.write("broken", Array("if ( ; then 'x\n".utf8))
        #expect(
            Self.run(shell.rawValue, "-c", "exec 2>/dev/null; exec \(shell.rawValue) -n \(broken)")
                != 0)
    }

    /// Asks the script as bash does when the user presses the tab key.
    @Test(.enabled(if: isInstalled(.bash), "bash is not installed"))
    func bashCompletesCommands() throws {
        let directory = try TemporaryDirectory()
        let script = try directory.write(
            "script", Array(Blobctl.completionScript(for: .bash).utf8))
        let question = """
            source '\(script)'
            COMP_LINE='blobctl pre' COMP_POINT=11 COMP_WORDS=(blobctl pre) COMP_CWORD=1
            _blobctl blobctl pre blobctl 2>/dev/null
            [ "${COMPREPLY[*]// /}" = presign ]
            """
        #expect(Self.run("bash", "-c", question) == 0)
    }
}
