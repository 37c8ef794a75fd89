import BlobCore
import TestKit
import Testing

/// What `blobrpcd` says to an `gcs` section that cannot be.
@Suite(.timeLimit(.minutes(5))) struct GCSSettingsTests {
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

    static let mistakes: [Mistake] = [
        Mistake("gcs: unknown key 'endpiont'", "endpiont: http://127.0.0.1:1"),
        Mistake("give anonymous, or", "anonymous: true", "credentialsFile: /nonexistent"),
        Mistake("give anonymous, or", "anonymous: true", "signingAccount: a@b.example"),
        Mistake("'aes' is no gcs.encryption; use bucketDefault", "encryption: aes"),
        Mistake("gcs.customerKeyFile must name a file of 32 bytes", "encryption: customerKey"),
        Mistake(
            "gcs.customerKeyFile must name a file of 32 bytes", "encryption: customerKey",
            "customerKeyFile: /dev/null"),
        Mistake("gcs.customerKeyFile needs encryption: customerKey", "customerKeyFile: /dev/null"),
        Mistake("gcs.kmsKeyName needs encryption: kms", "kmsKeyName: k"),
        Mistake("kms needs kmsKeyName", "encryption: kms"),
        Mistake("partByteCount must be 5 MiB to 1 GiB", "partBytes: 5242879"),
        Mistake("partByteCount must be 5 MiB to 1 GiB", "partBytes: 1074003968"),
        Mistake("partByteCount must be 5 MiB to 1 GiB", "partBytes: -9223372036854775808"),
        Mistake("concurrentPartCount must be 1 to 256", "concurrentParts: 0"),
        Mistake("memoryBudgetByteCount must be positive", "memoryBudgetBytes: -1"),
        Mistake("a GCS endpoint is written", "anonymous: true", "endpoint: 127.0.0.1:9000"),
        Mistake("a GCS endpoint is written", "anonymous: true", "endpoint: http://h/path"),
        Mistake("needs an anonymous identity", "endpoint: http://storage.example"),
        Mistake("an IAM endpoint is written", "iamEndpoint: http://iam.example"),
        Mistake("storageClass", "storageClass: \"STANDARD\\nX-Evil: 1\""),
        Mistake("userProject", "userProject: \"p\\r\\nX-Evil: 1\""),
        Mistake("kmsKeyName", "encryption: kms", "kmsKeyName: \"k\\r\\nX-Evil: 1\""),
        Mistake("certificateFile", "certificateFile: /nonexistent/ca.pem"),
        Mistake("journal", "journalDirectory: /proc/nonexistent/journal"),
        Mistake("partBytes", "partBytes: many"),
    ]

    @Test(arguments: mistakes)
    func `a section that cannot be`(_ mistake: Mistake) async throws {
        let outcome = try await run(["gcs:"] + mistake.lines.map { "  \($0)" })
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains(mistake.complaint), "\(outcome.complaint)")
        #expect(outcome.output.isEmpty)
    }

    @Test func `a section that is no mapping`() async throws {
        let outcome = try await run(["gcs: yes"])
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains("gcs"), "\(outcome.complaint)")
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
