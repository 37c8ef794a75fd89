import BlobCore
import Glibc
import Testing

@testable import blobctl

/// Each in a process of its own: these end the process.
@Suite struct InterruptionTests {
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
            for _ in 0..<100 { usleep(100_000) }
            try file.commit(synchronizes: false)
        }
        #expect(directory.names == ["finished"])
    }

    @Test func ignoredSignalStaysIgnored() async throws {
        await #expect(processExitsWith: .exitCode(0)) {
            signal(SIGHUP, SIG_IGN)
            Interruption.watch(deadline: nil, usesJSON: false)
            kill(getpid(), SIGHUP)
            usleep(200_000)
            exit(0)
        }
    }

    @Test func deadlineEndsAHangingCommand() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .exitCode(7)) { [path = directory.path as String] in
            let file = try AtomicFile(destination: "\(path)/unfinished")
            Interruption.watch(deadline: ContinuousClock.now, usesJSON: true)
            for _ in 0..<100 { usleep(100_000) }
            try file.commit(synchronizes: false)
        }
        #expect(directory.names.isEmpty)
    }
}
