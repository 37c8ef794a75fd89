import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Names that are identifiers and values that are never empty, both ways; and what Microsoft's client
/// makes of our blobs.
@Suite(.timeLimit(.minutes(10))) struct AzureMetadataTests {
    static let odd = [
        "my-name": "hyphen", "1st": "digit", "plain_name": "plain", "a.b": "dot",
        "_x002d_": "looks encoded", "empty": "", "blanks": "a  b   c", "accents": "h\u{e9}llo",
        "edge": " x ", "equals": "=?no", "a!#$%&'*+^`|~": "signs",
    ]

    @Test(arguments: AzureFixture.Identity.allCases)
    func
        `AZ-07 type and metadata of any name and value come back as they were, by every way to write`(
            _ identity: AzureFixture.Identity
        ) async throws
    {
        try await AzureFixture.with(identity) { fixture in
            try await fixture.backend.put(
                fixture.uri("whole"), Bytes(utf8: "x"),
                options: PutOptions(contentType: "text/x", userMetadata: Self.odd))
            try await fixture.backend.put(
                fixture.uri("parts"), SeededBody(seed: 1, byteCount: 6 << 20).bytes,
                options: PutOptions(contentType: "text/x", userMetadata: Self.odd))
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("upload"),
                options: MultipartOptions(contentType: "text/x", userMetadata: Self.odd))
            _ = try await fixture.backend.completeMultipartUpload(
                upload, parts: [], options: CompleteOptions())
            _ = try await fixture.backend.copy(
                from: fixture.uri("parts"), to: fixture.uri("copy"), options: CopyOptions())
            for key in ["whole", "parts", "upload", "copy"] {
                let metadata = try await fixture.backend.head(fixture.uri(key))
                #expect(metadata.userMetadata == Self.odd, "\(key)")
                #expect(metadata.contentType == "text/x", "\(key)")
            }
        }
    }

    @Test func `plain names are the same for Microsoft's client, both ways`() async throws {
        try await AzureFixture.with { fixture in
            try await fixture.backend.put(
                fixture.uri("ours"), Bytes(utf8: "x"),
                options: PutOptions(userMetadata: ["plain_name": "a b", "my-name": "v"]))
            let head = try #require(try await fixture.server.head(fixture.key("ours")))
            #expect(head.metadata == ["plain_name": "a b", "my_x002d_name": "v"])
            try await fixture.server.put(
                fixture.key("theirs"), Bytes(utf8: "x"), metadata: ["Plain_Name": "v", "x": "y"])
            let metadata = try await fixture.backend.head(fixture.uri("theirs"))
            #expect(metadata.userMetadata == ["plain_name": "v", "x": "y"])
        }
    }

    @Test func `Microsoft's client reads what we write and writes what we read`() async throws {
        try await AzureFixture.with { fixture in
            for (index, byteCount) in [1000, 5 << 20, (11 << 20) + 7].enumerated() {
                let body = SeededBody(seed: UInt64(index), byteCount: byteCount).bytes
                let key = "a b/\(index)+ü%20"
                let result = try await fixture.backend.put(
                    fixture.uri(key), body, options: PutOptions(contentType: "text/x-ours"))
                #expect(try await fixture.server.get(fixture.key(key)) == body)
                let head = try #require(try await fixture.server.head(fixture.key(key)))
                #expect(head.etag == result.etag && head.contentType == "text/x-ours")
                let etag = try await fixture.server.put(
                    fixture.key(key), body.dropFirst(1), contentType: "text/x-theirs")
                #expect(try await fixture.backend.get(fixture.uri(key)) == body.dropFirst(1))
                let metadata = try await fixture.backend.head(fixture.uri(key))
                #expect(metadata.etag == etag && metadata.contentType == "text/x-theirs")
            }
            let page = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            let keys = try await fixture.server.keys(prefix: fixture.prefix)
            #expect(page.entries.map(\.uri.key) == keys)
        }
    }

    @Test func `metadata that cannot be are refused before anything is sent`() async throws {
        try await AzureFixture.with { fixture in
            for (name, code) in [
                ("blobrpc_commit", BlobError.Code.invalidArgument), ("a b", .invalidArgument),
                ("\u{e9}", .invalidArgument), ("a:b", .invalidArgument),
                (String(repeating: "-", count: 2000), .tooLarge),
            ] {
                let metadata = [name: "v"]
                await expectError(code) {
                    try await fixture.backend.put(
                        fixture.uri("blob"), Bytes(), options: PutOptions(userMetadata: metadata))
                }
                await expectError(code) {
                    _ = try await fixture.backend.createMultipartUpload(
                        fixture.uri("blob"), options: MultipartOptions(userMetadata: metadata))
                }
            }
            let found = try await fixture.requests(.put)
            #expect(found.isEmpty)
        }
    }

    @Test func `names and their identifiers, there and back`() {
        for (name, identifier) in [
            ("plain", "plain"), ("a_b", "a_b"), ("x-1", "x_x002d_1"), ("1", "_x0031_"),
            ("_", "_"), ("_x", "_x"), ("_x00", "_x00"), ("_x002d", "_x005f_x002d"),
            ("_x002d_", "_x005f_x002d_"), ("__x002d", "__x005f_x002d"), ("-", "_x002d_"),
        ] {
            #expect(IdentifierName.encode(name) == identifier)
            #expect(IdentifierName.decode(identifier) == name)
        }
        // Not ours: as they are.
        for name in ["_x00e9_", "_x0000_", "_x002", "_xzzzz_", "_x0020_"] {
            #expect(IdentifierName.decode(name) == name)
        }
        let letters = Array("_x02d5f-1a.")
        var state: UInt64 = 88
        for _ in 0..<20_000 {
            var name = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                name.append(letters[Int(state >> 33) % letters.count])
            }
            let identifier = IdentifierName.encode(name)
            #expect(IdentifierName.decode(identifier) == name)
            let bytes = Array(identifier.utf8)
            #expect(!(0x30...0x39).contains(bytes[0]))
            #expect(bytes.allSatisfy { $0 == 0x5F || ASCII.isLetter($0) || (0x30...0x39) ~= $0 })
        }
    }
}
