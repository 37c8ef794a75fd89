import BlobCore
import Glibc
import Testing

@testable import blobctl

/// Each in a process of its own: these end the process.
@Suite struct InterruptionTests {
    /// Waits for signals until another thread ends the process. Should none do so, the alarm does,
    /// with a status that no test expects.
    private static func waitForTheEnd() {
        signal(SIGALRM, SIG_DFL)
        alarm(120)
        while true { pause() }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func signalRemovesUnfinishedFiles(number: CInt) async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .exitCode(130)) {
            [path = directory.path as String, number] in
            // The test runner may have been started with ignored signals.
            signal(number, SIG_DFL)
            Interruption.watch(deadline: nil, usesJSON: false)
            let finished = try AtomicFile(destination: "\(path)/finished")
            try finished.commit(synchronizes: false)
            let file = try AtomicFile(destination: "\(path)/unfinished")
            try file.write(Bytes([1]), at: 0)
            kill(getpid(), number)
            withExtendedLifetime(file) { Self.waitForTheEnd() }
        }
        #expect(directory.names == ["finished"])
    }

    @Test func ignoredSignalStaysIgnored() async throws {
        await #expect(processExitsWith: .exitCode(0)) {
            signal(SIGHUP, SIG_IGN)
            Interruption.watch(deadline: nil, usesJSON: false)
            // The kernel throws away what is ignored while kill(2) runs: there is nothing to wait for.
            var action = sigaction()
            sigaction(SIGHUP, nil, &action)
            let disposition = unsafeBitCast(
                action.__sigaction_handler.sa_handler, to: UInt.self)
            guard disposition == unsafeBitCast(SIG_IGN, to: UInt.self) else { exit(1) }
            kill(getpid(), SIGHUP)
            exit(0)
        }
    }

    @Test func deadlineEndsAHangingCommand() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .exitCode(7)) { [path = directory.path as String] in
            let file = try AtomicFile(destination: "\(path)/unfinished")
            Interruption.watch(deadline: ContinuousClock.now, usesJSON: true)
            withExtendedLifetime(file) { Self.waitForTheEnd() }
        }
        #expect(directory.names.isEmpty)
    }
}
