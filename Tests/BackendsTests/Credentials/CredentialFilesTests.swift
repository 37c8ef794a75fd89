import Foundation
import LinuxIO
import TestKit
import Testing

@testable import CloudBackends

struct CredentialFilesTests {
    private let directory: TemporaryDirectory
    private let pool = BlockingPool(name: "credential-files", threadCount: 1)
    private var files: CredentialFiles { CredentialFiles(pool: pool) }

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 100_000, CredentialFiles.maximumByteCount])
    func `a file is read whole`(byteCount: Int) async throws {
        let text = String(
            String(repeating: "0123456789", count: byteCount / 10 + 1).prefix(byteCount))
        try directory.write(text, to: "file")
        #expect(try await files.text(at: directory.path + "/file") == text)
        pool.shutdown()
    }

    @Test func `what is no file of credentials is refused or absent`() async throws {
        try directory.write(
            String(repeating: "x", count: CredentialFiles.maximumByteCount + 1), to: "large")
        await #expect(throws: CredentialFailure.self) {
            try await files.text(at: directory.path + "/large")
        }
        await #expect(throws: CredentialFailure.self) { try await files.text(at: directory.path) }
        #expect(try await files.text(at: directory.path + "/missing") == nil)
        #expect(try await files.text(at: directory.path + "/large/below") == nil)
        // A pipe that nobody writes to: empty, at once.
        #expect(mkfifo(directory.path + "/pipe", 0o600) == 0)
        #expect(try await files.text(at: directory.path + "/pipe") == "")
        pool.shutdown()
    }
}
