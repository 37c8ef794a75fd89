import BlobCore
import TestKit
import Testing

/// What `blobrpcd` says to an `azure` section that cannot be.
@Suite(.timeLimit(.minutes(5))) struct AzureSettingsTests {
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

    private static let account = "account: testaccount"
    private static let key = "accountKey: c2VjcmV0LW9mLXRoZS10ZXN0"
    private static let one = "give one of connectionString, accountKey"

    static let mistakes: [Mistake] = [
        Mistake("azure: unknown key 'acount'", "acount: a"),
        Mistake("no Azure account is configured"),
        Mistake(one, account, key, "anonymous: true"),
        Mistake(one, account, key, "sasToken: sv=1&sig=x"),
        Mistake(one, account, key, "managedIdentity: system"),
        Mistake("are given together", account, "tenantID: t", "clientID: c"),
        Mistake("are given together", account, "clientSecret: secret-of-the-test"),
        Mistake("the Azure key is not in Base64", account, "accountKey: secret-of-the-test!"),
        Mistake("no query with 'sv' and 'sig'", account, "sasToken: secret-of-the-test"),
        Mistake("connection string cannot be used", "connectionString: secret-of-the-test"),
        Mistake(
            "the connection string names the endpoint", "endpoint: http://127.0.0.1:1/account",
            "connectionString: UseDevelopmentStorage=true"),
        Mistake("azure.managedIdentity is system, or", account, "managedIdentity: mine"),
        Mistake("azure.managedIdentity is system, or", account, "managedIdentity: \"clientID:\""),
        Mistake("'md5' is no azure.checksum; use none, crc64", account, "checksum: md5"),
        Mistake("an Azure account has 3 to 24", "account: Upper"),
        Mistake("an Azure endpoint is written", "endpoint: 127.0.0.1:10000"),
        Mistake("an Azure endpoint is written", "endpoint: http://127.0.0.1:10000/a/b"),
        Mistake("name that, too", "endpoint: http://127.0.0.1:10000"),
        Mistake("is of another account", "endpoint: http://127.0.0.1:10000/devstore", account),
        Mistake("accessTier", account, key, "accessTier: \"Cool\\r\\nX-Evil: 1\""),
        Mistake("encryptionScope", account, key, "encryptionScope: \"a b\""),
        Mistake("partByteCount must be 5 MiB to 1 GiB", account, key, "partBytes: 5242879"),
        Mistake("concurrentPartCount must be 1 to 256", account, key, "concurrentParts: 0"),
        Mistake("memoryBudgetByteCount must be", account, key, "memoryBudgetBytes: -1"),
        Mistake("certificateFile", account, key, "certificateFile: /nonexistent/ca.pem"),
        Mistake("partBytes", account, "partBytes: many"),
    ]

    @Test(arguments: mistakes)
    func `a section that cannot be`(_ mistake: Mistake) async throws {
        let section = mistake.lines.isEmpty ? ["azure: {}"] : ["azure:"]
        let outcome = try await run(section + mistake.lines.map { "  \($0)" })
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains(mistake.complaint), "\(outcome.complaint)")
        // CM-08
        #expect(!outcome.complaint.contains("secret-of-the-test"))
        #expect(outcome.output.isEmpty)
    }

    @Test func `flags win over the file`() async throws {
        let outcome = try await run(
            ["azure:", "  account: filed"],
            ["--azure-endpoint", "http://127.0.0.1:1/other", "--azure-account", "another"])
        #expect(outcome.status == 1)
        #expect(outcome.complaint.contains("is of another account than 'another'"))
    }

    private func run(
        _ lines: [String], _ arguments: [String] = []
    ) async throws -> Program.Outcome {
        let directory = try TemporaryDirectory()
        try directory.write(lines.joined(separator: "\n") + "\n", to: "configuration.yaml")
        return try await Program.run(
            [
                "\(ServerProcess.productsDirectory)/blobrpcd", "--socket", "\(directory.path)/s",
                "--root", "\(directory.path)/root", "--config",
                "\(directory.path)/configuration.yaml",
            ] + arguments,
            environment: ["HOME": directory.path, "XDG_STATE_HOME": directory.path])
    }
}
