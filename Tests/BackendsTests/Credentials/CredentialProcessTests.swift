import BlobCore
import Glibc
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Programs that print credentials.
@Suite(.timeLimit(.minutes(10))) struct CredentialProcessTests {
    private func fixture(_ script: String) throws -> CredentialFixture {
        var fixture = try CredentialFixture()
        try fixture.directory.write(script, to: "script")
        fixture.variables = ["AWS_PROFILE": "p", "PATH": "/usr/bin:/bin"]
        try fixture.config(
            "[profile p]\ncredential_process = . '\(fixture.directory.path)/script' a \"b c\"\n")
        return fixture
    }

    /// Whether a process of this number is alive, even as a zombie.
    private func isAlive(_ text: String?) -> Bool {
        guard let text, let number = pid_t(text.trimmingWhitespace) else { return true }
        return kill(number, 0) == 0
    }

    @Test("The document that it prints, with the variables given and nothing else")
    func document() async throws {
        var fixture = try fixture(
            """
            echo '{"Version": 1, "AccessKeyId": "'$NAME'", "SecretAccessKey": "s",'
            echo '"SessionToken": "t", "Expiration": "'$END'"}'
            """)
        fixture.variables["NAME"] = "PROCESS"
        fixture.variables["END"] = fixture.time.text(in: 60)
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "PROCESS" && keys.sessionToken == "t")
        #expect(keys.expiresAt?.milliseconds == fixture.time.now.milliseconds + 60_000)
    }

    @Test("Without a token and an end")
    func plain() async throws {
        let fixture = try fixture(
            "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"s\"}'")
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID == "A" && keys.sessionToken == nil && keys.expiresAt == nil)
    }

    @Test(
        "What is no document is not repeated to anybody",
        arguments: [
            "echo hush",
            "echo '{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush\"}'",
            "echo '{\"Version\": 1, \"AccessKeyId\": \"A\"}'", "true", "exit 3",
            "echo hush; exit 1",
            "kill -9 $$", "echo hush >&2; exit 1", "echo '{\"Version\": \"1\"}'",
            "/nowhere/program",
            "printf '\\377\\376\\000'", "head -c 100000 /dev/zero | tr '\\000' '['",
            "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hush\", "
                + "\"Expiration\": \"2001-01-01T00:00:00Z\"}'",
        ])
    func failures(script: String) async throws {
        let fixture = try fixture(script)
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("credential_process"))
        #expect(!message.contains("hush"))
    }

    @Test("Signals, descriptors and input are those of a new process")
    func cleanStart() async throws {
        // Open across exec, and of a number that the shell does not take for itself.
        let null = open("/dev/null", O_RDONLY)
        let held = fcntl(null, F_DUPFD, 200)
        defer {
            close(null)
            close(held)
        }
        let fixture = try fixture(
            """
            mask=$(grep -h SigBlk /proc/self/status | tr -d 'SigBlk:\\t0')
            open=$(ls /proc/$$/fd | tr '\\n' ' ')
            read -r line
            echo '{"Version": 1, "AccessKeyId": "'"mask=$mask open=$open line=$line"'",'
            echo '"SecretAccessKey": "s"}'
            """)
        let keys = try await fixture.chain().credentials()
        #expect(keys.accessKeyID.hasPrefix("mask= open=0 1 "))
        #expect(keys.accessKeyID.hasSuffix("line="))
        #expect(held >= 200 && !keys.accessKeyID.contains("\(held)"))
    }

    @Test("A program that does not end is killed with its children")
    func timeLimit() async throws {
        var fixture = try fixture(
            """
            echo $$ > "$HERE/parent"
            sleep 600 & echo $! > "$HERE/child"
            wait
            """)
        fixture.variables["HERE"] = fixture.directory.path
        fixture.processTimeout = .milliseconds(500)
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("longer than") && message.contains("killed"))
        #expect(!isAlive(fixture.directory.text(of: "parent")))
        // The child was killed; init reaps it whenever it likes, so only a running one counts.
        let child = fixture.directory.text(of: "child")?.trimmingWhitespace ?? "none"
        // A process that is reaped while it is read is gone, too: ESRCH.
        let status = try? await fixture.systemText("/proc/\(child)/stat")
        #expect(status.map { $0.contains(") Z ") || $0.contains(") X ") } ?? true)
    }

    @Test("A child left behind does not hold the answer up, and does not outlive it")
    func childLeftBehind() async throws {
        var fixture = try fixture(
            """
            sleep 600 &
            echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}'
            """)
        // Waiting for the child would end in this limit's error; a crowded machine does not.
        fixture.processTimeout = .seconds(300)
        #expect(try await fixture.chain().credentials().accessKeyID == "A")
    }

    @Test("More output than any document has is cut off")
    func outputLimit() async throws {
        let fixture = try fixture("yes hush")
        let message = await authenticationFailure(of: fixture.chain())
        #expect(message.contains("more than") && !message.contains("hush"))
    }

    @Test("Closing the chain kills the program")
    func closing() async throws {
        var fixture = try fixture("echo $$ > \"$HERE/parent\"; echo x > \"$HERE/pipe\"; sleep 600")
        fixture.variables["HERE"] = fixture.directory.path
        #expect(mkfifo("\(fixture.directory.path)/pipe", 0o600) == 0)
        let pipe = open("\(fixture.directory.path)/pipe", O_RDONLY | O_NONBLOCK)
        defer { close(pipe) }
        let chain = fixture.chain()
        let caller = Task {
            await expectError(.shuttingDown) { _ = try await chain.credentials() }
        }
        // The program writes to the pipe when it runs.
        let readyCount = try await fixture.pool.run { () -> Int32 in
            var watched = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
            return poll(&watched, 1, 300_000)
        }
        #expect(readyCount == 1)
        chain.close()
        _ = await caller.value
        // The program is killed by the job that runs it, which ends before its pool does.
        fixture.pool.shutdownAndWait()
        #expect(!isAlive(fixture.directory.text(of: "parent")))
    }
}
