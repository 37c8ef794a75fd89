import BlobCore
import TestKit
import Testing

/// What `blobrpcd` says to an `s3` section that cannot be.
@Suite(.timeLimit(.minutes(5))) struct S3SettingsTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        /// The lines of the section.
        var lines: [String]
        /// What the complaint has to name.
        var complaint: String

        init(_ complaint: String, _ lines: String...) {
            self.lines = lines
            self.complaint = complaint
        }

        var testDescription: String { lines.joined(separator: ", ") }
    }

    private static let keys = "accessKeyID: AKIAEXAMPLE"
    private static let secret = "secretAccessKey: secret-of-the-test"

    static let mistakes: [Mistake] = [
        Mistake("s3: unknown key 'endpiont'", "endpiont: http://127.0.0.1:1"),
        Mistake("give one of anonymous, profile", "anonymous: true", "profile: data"),
        Mistake("give one of anonymous, profile", "anonymous: true", keys, secret),
        Mistake("give one of anonymous, profile", "profile: data", keys, secret),
        Mistake("accessKeyID and secretAccessKey are given together", keys),
        Mistake("accessKeyID and secretAccessKey are given together", secret),
        Mistake("accessKeyID and secretAccessKey are given together", "sessionToken: t"),
        Mistake("needs both halves", "accessKeyID: \"\"", secret),
        Mistake("'host' is no s3.addressing; use automatic", "addressing: host"),
        Mistake("'md5' is no s3.checksum; use automatic", "checksum: md5"),
        Mistake("'aes' is no s3.encryption; use bucketDefault", "encryption: aes"),
        Mistake("s3.customerKeyFile must name a file of 32 bytes", "encryption: customerKey"),
        Mistake(
            "s3.customerKeyFile must name a file of 32 bytes", "encryption: customerKey",
            "customerKeyFile: /dev/null"),
        Mistake("s3.customerKeyFile needs encryption: customerKey", "customerKeyFile: /dev/null"),
        Mistake("s3.kmsKeyID needs encryption: kms", "encryption: s3", "kmsKeyID: k"),
        Mistake("partByteCount must be 5 MiB to 1 GiB", "partBytes: 5242879"),
        Mistake("partByteCount must be 5 MiB to 1 GiB", "partBytes: 1073741825"),
        Mistake("concurrentPartCount must be 1 to 256", "concurrentParts: 0"),
        Mistake("concurrentPartCount must be 1 to 256", "concurrentParts: 257"),
        Mistake("memoryBudgetByteCount must be positive", "memoryBudgetBytes: -1"),
        Mistake("an S3 endpoint is written", "endpoint: 127.0.0.1:8333"),
        Mistake("an S3 endpoint is written", "endpoint: ftp://host"),
        Mistake("an S3 endpoint is written", "endpoint: \"http://\""),
        Mistake("an S3 endpoint is written", "endpoint: http://user@host"),
        Mistake("an S3 endpoint is written", "endpoint: http://host/?query"),
        Mistake("is no region", "region: EU west"),
        Mistake("is no region", "region: evil.example/"),
        Mistake("storageClass", "storageClass: \"STANDARD\\nX-Evil: 1\""),
        Mistake("kmsKeyID", "encryption: kms", "kmsKeyID: \"k\\r\\nX-Evil: 1\""),
        Mistake("certificateFile", "certificateFile: /nonexistent/ca.pem"),
        Mistake("journal", "journalDirectory: /proc/nonexistent/journal"),
        Mistake("partBytes", "partBytes: many"),
    ]

    @Test(arguments: mistakes)
    func `a section that cannot be`(_ mistake: Mistake) async throws {
        let outcome = try await run(["s3:"] + mistake.lines.map { "  \($0)" })
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains(mistake.complaint), "\(outcome.complaint)")
        // CM-08
        #expect(!outcome.complaint.contains("secret-of-the-test"))
        #expect(outcome.output.isEmpty)
    }

    @Test func `a section that is no mapping`() async throws {
        let outcome = try await run(["s3: yes"])
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains("s3"), "\(outcome.complaint)")
    }

    private func run(_ lines: [String]) async throws -> Program.Outcome {
        let directory = try TemporaryDirectory()
        try directory.write(lines.joined(separator: "\n") + "\n", to: "configuration.yaml")
        return try await Program.run(
            [
                "\(ServerProcess.productsDirectory)/blobrpcd", "--socket", "\(directory.path)/s",
                "--root", "\(directory.path)/root", "--config",
                "\(directory.path)/configuration.yaml",
            ], environment: ["HOME": directory.path, "XDG_STATE_HOME": directory.path])
    }
}
