import ArgumentParser
import BlobCore
import Testing

@testable import blobctl

@Suite struct ArgumentTests {
    @Test(arguments: [
        ("0-99", ByteRange.bounded(start: 0, end: 100)), ("5-5", .bounded(start: 5, end: 6)),
        ("100-", .from(100)), ("-100", .suffix(100)), ("0-", .from(0)),
        ("18446744073709551615-", .from(.max)),
        ("0-18446744073709551614", .bounded(start: 0, end: .max)),
    ])
    func ranges(text: String, expected: ByteRange) {
        #expect(RangeArgument(argument: text)?.range == expected)
    }

    @Test(arguments: [
        "", "-", "5", "5-3", "-0", "a-b", "+1-2", "1--2", " 1-2", "0-18446744073709551615",
        "99999999999999999999-", "0-1,3-4",
    ])
    func malformedRanges(text: String) {
        #expect(RangeArgument(argument: text) == nil)
    }

    @Test func partNumbers() {
        #expect(PartNumbers(argument: "1-3,7")?.numbers == [1, 2, 3, 7])
        #expect(PartNumbers(argument: "10000")?.numbers == [10_000])
        for bad in ["", "0", "10001", "3-1", "1,", "1-", "-1", "x", "1-10000,1"] {
            #expect(PartNumbers(argument: bad) == nil, "\(bad)")
        }
    }

    @Test func namedParts() {
        #expect(PartArgument(argument: "2")?.part == UploadedPart(partNumber: 2))
        #expect(
            PartArgument(argument: #"2="a=b""#)?.part
                == UploadedPart(partNumber: 2, etag: #""a=b""#))
        #expect(PartArgument(argument: "2=")?.part == UploadedPart(partNumber: 2))
        #expect(PartArgument(argument: "0=x") == nil)
    }

    @Test func metadata() {
        let pair = MetadataArgument(argument: "name=a=b")
        #expect(pair?.name == "name")
        #expect(pair?.value == "a=b")
        #expect(MetadataArgument(argument: "name=")?.value == "")
        #expect(MetadataArgument(argument: "=x") == nil)
        #expect(MetadataArgument(argument: "name") == nil)
    }

    @Test func digests() {
        let text = String(repeating: "aB", count: 32)
        #expect(DigestArgument(argument: text)?.bytes == Array(repeating: 0xab, count: 32))
        #expect(DigestArgument(argument: String(text.dropLast())) == nil)
        #expect(DigestArgument(argument: String(repeating: "xy", count: 32)) == nil)
    }

    @Test(arguments: [
        ["put", "x"], ["put", "x", "nowhere"], ["get", "s3://b/k"], ["stat", "s3://b"],
        ["put", "x", "s3://b/k", "--create-only", "--if-match", "e"],
        ["put", "x", "s3://b/k", "--metadata", "A=1", "--metadata", "a=2"],
        ["presign", "s3://b/k"], ["presign", "s3://b/k", "--expires", "0"],
        ["presign", "s3://b/k", "--expires", "604801"],
        ["presign", "s3://b/k", "--expires", "60", "--put", "--method", "head"],
        ["presign", "s3://b/k", "--expires", "60", "--method", "post"],
        ["presign", "s3://b/k", "--expires", "60", "--method", "GET"], ["ping", "--count", "0"],
        ["ping", "--timeout", "0"], ["ping", "--timeout", "nan"], ["ping", "--socket", ""],
        ["ping", "--server-user", "root"], ["ping", "--server-user", "-1"],
        ["multipart", "put-part", "s3://b/k", "u", "10001", "x"], ["rm"],
        ["completion", "tcsh"], ["ls", "s3://b", "--limit", "-1"],
    ])
    func refused(arguments: [String]) {
        #expect(throws: (any Error).self) { try Blobctl.parseAsRoot(arguments) }
    }

    /// All forms in which a blob can be named, of every scheme.
    static let forms = [
        "file:///srv/a b", "s3://bucket/a?b#c", "s3a://bucket/key", "gs://bucket/dir//key",
        "az://container/blob", "azure://container/blob",
        "abfss://container@account.dfs.core.windows.net/dir/blob",
        "abfs://container@account.dfs.core.windows.net/dir/blob",
        "https://account.blob.core.windows.net/container/dir/blob",
        "http://127.0.0.1:10000/devstoreaccount1/container/blob", "blob://mount/key",
    ]

    @Test(arguments: forms)
    func everyCommandTakesEveryScheme(uri: String) throws {
        for arguments in [
            ["put", "x", uri], ["get", uri, "-"], ["stat", uri], ["ls", uri], ["rm", uri, uri],
            ["cp", uri, uri], ["presign", uri, "--expires", "60"],
            ["multipart", "plan", uri, "5"], ["multipart", "create", uri],
            ["multipart", "put-part", uri, "u", "1", "x"],
            ["multipart", "presign", uri, "u", "--parts", "1", "--expires", "60"],
            ["multipart", "parts", uri, "u"], ["multipart", "complete", uri, "u"],
            ["multipart", "abort", uri, "u"],
        ] {
            #expect(throws: Never.self, "\(arguments)") {
                _ = try Blobctl.parseAsRoot(arguments)
            }
        }
        // What is printed can be pasted.
        let parsed = try BlobURI(parsing: uri)
        #expect(try BlobURI(parsing: parsed.description) == parsed)
    }

    @Test(arguments: ["s3://b", "gs://b/", "az://c", "azure://c/", "blob://m", "file:///"])
    func everySchemeHasPrefixes(uri: String) {
        #expect(throws: Never.self) { _ = try Blobctl.parseAsRoot(["ls", "-r", uri]) }
    }

    @Test func everyCommandHasExamples() {
        var commands: [any ParsableCommand.Type] = [Blobctl.self]
        while let command = commands.popLast() {
            let name = command._commandName
            #expect(command.configuration.discussion.contains("EXAMPLES"), "\(name)")
            #expect(command.configuration.discussion.contains("blobctl"), "\(name)")
            commands += command.configuration.subcommands
        }
    }

    @Test(arguments: [
        (["--socket", "/s", "info"], ["info", "--socket", "/s"]),
        (["--server-user", "0", "info"], ["info", "--server-user", "0"]),
        (
            ["--json", "--socket=/s", "multipart", "create", "u"],
            ["multipart", "create", "u", "--json", "--socket=/s"]
        ),
        (["-q", "rm", "--", "-x"], ["rm", "-q", "--", "-x"]),
        (["info", "--json"], ["info", "--json"]), (["--help"], ["--help"]), ([], []),
        (["--json"], []), (["--socket"], []),
    ])
    func globalOptionsMayComeFirst(arguments: [String], expected: [String]) {
        #expect(ArgumentOrder.movingGlobalOptions(arguments) == expected)
    }

    @Test func completionScripts() {
        for shell in CompletionShell.allCases {
            let script = Blobctl.completionScript(for: shell)
            #expect(script.contains("multipart"))
            // The values of --method.
            #expect(PresignMethod.allValueStrings.allSatisfy { script.contains($0) })
        }
    }
}
