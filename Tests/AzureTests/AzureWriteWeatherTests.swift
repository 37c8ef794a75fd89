import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Writes that were acted upon while the answer was lost, or damaged on the way, or given up.
@Suite(.timeLimit(.minutes(10))) struct AzureWriteWeatherTests {
    /// How the answer gets lost.
    static let losses: [[String: JSONValue]] = [
        ["loseReply": true], ["status": 500, "code": "InternalError", "perform": true],
        ["status": 500, "code": "OperationTimedOut", "perform": true],
    ]

    static let small = Bytes(utf8: "small")
    /// Two blocks.
    static let large = SeededBody(seed: 6, byteCount: (5 << 20) + 1000).bytes

    @Test(arguments: losses, [WriteCondition.overwrite, .createOnly])
    func `AZ-06 S3-11 a list of blocks whose answer is lost is found by its token`(
        _ loss: [String: JSONValue], _ condition: WriteCondition
    ) async throws {
        try await AzureFixture.with { fixture in
            _ = try await fixture.fault(.commit, loss)
            let result = try await fixture.backend.put(
                fixture.uri("blob"), Self.large, options: PutOptions(condition: condition))
            #expect(result.byteCount == UInt64(Self.large.count))
            let head = try #require(try await fixture.server.head(fixture.key("blob")))
            // The second list wrote no second version.
            #expect(head.etag == result.etag)
            let statuses = try await fixture.requests(.commit).map(\.status)
            #expect(!statuses.contains(201))
            #expect(statuses.last == (condition == .createOnly ? 409 : 400))
            #expect(try await fixture.server.get(fixture.key("blob")) == Self.large)
            let metadata = try await fixture.backend.head(fixture.uri("blob"))
            #expect(metadata.userMetadata.isEmpty)
        }
    }

    @Test(arguments: losses)
    func `AZ-06 a blob that somebody else wrote since is not taken for ours`(
        _ loss: [String: JSONValue]
    ) async throws {
        try await AzureFixture.with { fixture in
            let name = fixture.prefix
            _ = try await fixture.fault(.commit, loss)
            _ = try await fixture.fault(.commit, ["hold": .text(name)])
            let uri = fixture.uri("blob")
            let put = Task { try await fixture.backend.put(uri, Self.large) }
            try await fixture.server.waitHeld(name)
            try await fixture.server.put(fixture.key("blob"), Self.small)
            try await fixture.server.release(name)
            await expectError(.conflict) { _ = try await put.value }
            #expect(try await fixture.server.get(fixture.key("blob")) == Self.small)
        }
    }

    @Test(arguments: losses)
    func `S3-21 a conditional put whose answer is lost is found by its token`(
        _ loss: [String: JSONValue]
    ) async throws {
        try await AzureFixture.with { fixture in
            _ = try await fixture.fault(.put, loss)
            let first = try await fixture.backend.put(
                fixture.uri("blob"), Self.small, options: PutOptions(condition: .createOnly))
            #expect(try await fixture.server.head(fixture.key("blob"))?.etag == first.etag)
            #expect(first.byteCount == 5)
            _ = try await fixture.fault(.put, loss)
            let second = try await fixture.backend.put(
                fixture.uri("blob"), Bytes(utf8: "second"),
                options: PutOptions(condition: .ifMatch(etag: first.etag)))
            #expect(try await fixture.server.head(fixture.key("blob"))?.etag == second.etag)
            #expect(second.etag != first.etag)
        }
    }

    @Test(arguments: losses)
    func `S3-21 what somebody else has written is not taken for ours`(
        _ loss: [String: JSONValue]
    ) async throws {
        try await AzureFixture.with { fixture in
            let name = fixture.prefix
            _ = try await fixture.fault(.put, loss)
            _ = try await fixture.fault(.put, ["hold": .text(name)])
            let uri = fixture.uri("blob")
            let put = Task {
                try await fixture.backend.put(
                    uri, Self.small, options: PutOptions(condition: .createOnly))
            }
            try await fixture.server.waitHeld(name)
            // By another kind of request, which is not held.
            let upload = try await fixture.backend.createMultipartUpload(
                uri, options: MultipartOptions())
            let part = try await fixture.backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Bytes(utf8: "theirs")),
                options: UploadPartOptions())
            _ = try await fixture.backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            try await fixture.server.release(name)
            await expectError(.alreadyExists) { _ = try await put.value }
            #expect(try await fixture.server.get(fixture.key("blob")) == Bytes(utf8: "theirs"))
        }
    }

    @Test(arguments: losses)
    func `S3-15 a block whose answer is lost replaces itself`(
        _ loss: [String: JSONValue]
    ) async throws {
        try await AzureFixture.with { fixture in
            _ = try await fixture.fault(.block, loss)
            try await fixture.backend.put(fixture.uri("blob"), Self.large)
            #expect(try await fixture.server.get(fixture.key("blob")) == Self.large)
            #expect(try await fixture.server.blocks(fixture.key("blob")).committed.count == 2)
        }
    }

    @Test(arguments: ["Crc64Mismatch", "Md5Mismatch"], [AzureRequestKind.put, .block])
    func `AZ-16 bytes that were damaged on the way are sent again, and then an error`(
        _ code: String, _ kind: AzureRequestKind
    ) async throws {
        try await AzureFixture.with { fixture in
            let body = kind == .put ? Self.small : Self.large
            _ = try await fixture.fault(kind, ["status": 400, "code": .text(code)])
            try await fixture.backend.put(fixture.uri("blob"), body)
            #expect(try await fixture.server.get(fixture.key("blob")) == body)
            _ = try await fixture.fault(
                kind, ["status": 400, "code": .text(code)], times: 100)
            await expectError(.checksumMismatch) {
                try await fixture.backend.put(fixture.uri("other"), body)
            }
            #expect(try await fixture.server.head(fixture.key("other")) == nil)
        }
    }

    @Test(arguments: AzureConfiguration.Checksum.allCases)
    func `AZ-16 what is sent has a checksum that the service compares, if it is wanted`(
        _ checksum: AzureConfiguration.Checksum
    ) async throws {
        try await AzureFixture.with(configure: { $0.checksum = checksum }) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Self.small)
            try await fixture.backend.put(fixture.uri("blob"), Self.large)
            for kind in [AzureRequestKind.put, .block, .commit] {
                for request in try await fixture.requests(kind) {
                    #expect(
                        (request.headers["x-ms-content-crc64"] != nil) == (checksum == .crc64))
                }
            }
            #expect(try await fixture.server.get(fixture.key("blob")) == Self.large)
        }
    }

    @Test func `tier and encryption scope are sent where they belong`() async throws {
        try await AzureFixture.with(configure: { configuration in
            configuration.accessTier = "Cool"
            configuration.encryptionScope = "scope1"
        }) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Self.small)
            try await fixture.backend.put(fixture.uri("blob"), Self.large)
            _ = try await fixture.backend.get(fixture.uri("blob"))
            for (kind, hasTier, hasScope) in [
                (AzureRequestKind.put, true, true), (.block, false, true), (.commit, true, true),
                (.get, false, false),
            ] {
                let requests = try await fixture.requests(kind)
                #expect(!requests.isEmpty)
                for request in requests where request.headers["user-agent"] == nil {
                    #expect((request.headers["x-ms-access-tier"] == "Cool") == hasTier)
                    #expect((request.headers["x-ms-encryption-scope"] == "scope1") == hasScope)
                }
            }
        }
    }

    @Test(arguments: [AzureRequestKind.put, .block, .commit])
    func `CM-14 a put that is cancelled anywhere leaves nothing to be seen`(
        _ kind: AzureRequestKind
    ) async throws {
        try await AzureFixture.with { fixture in
            let name = fixture.prefix
            _ = try await fixture.fault(
                kind, ["hold": .text(name), "drop": true], times: 100)
            let uri = fixture.uri("blob")
            let body = kind == .put ? Self.small : Self.large
            let put = Task { try await fixture.backend.put(uri, body) }
            try await fixture.server.waitHeld(name)
            put.cancel()
            await expectError(.cancelled) { _ = try await put.value }
            try await fixture.server.release(name)
            #expect(try await fixture.server.head(fixture.key("blob")) == nil)
        }
    }

    @Test(arguments: [
        "<BlockList>", "<Other/>", "",
        "<BlockList><UncommittedBlocks><Block/>"
            + "</UncommittedBlocks></BlockList>",
    ])
    func `CM-11 a list of blocks that makes no sense is an error`(
        _ document: String
    ) async throws {
        try await AzureFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            _ = try await fixture.fault(
                .blocks, ["status": 200, "body": .text(document)], times: 100)
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.listParts(
                    upload, afterPartNumber: 0, options: CallOptions())
            }
        }
    }

    @Test func `names of uploads that were changed, made up or of another blob are unknown`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let uri = fixture.uri("blob")
            let real = try await fixture.backend.createMultipartUpload(
                uri, options: MultipartOptions(contentType: "text/x"))
            let id = real.uploadID
            var texts = [
                "az1.", String(id.dropLast(4)), id + "AAAA", id.replacing("az1.", with: "az2."),
            ]
            for position in stride(from: 37, to: id.utf8.count, by: 5) {
                var bytes = Array(id.utf8)
                bytes[position] = bytes[position] == 0x41 ? 0x42 : 0x41
                texts.append(String(decoding: bytes, as: UTF8.self))
            }
            texts = texts.filter { $0 != id }
            for text in texts {
                let upload = MultipartUpload(uri: uri, uploadID: text)
                await expectError(.uploadNotFound) {
                    _ = try await fixture.backend.uploadPart(
                        upload, partNumber: 1, body: .bytes(Self.small),
                        options: UploadPartOptions())
                }
                await expectError(.uploadNotFound) {
                    _ = try await fixture.backend.presignUploadParts(
                        upload, partNumbers: [1], options: PresignOptions())
                }
                await expectError(.uploadNotFound) {
                    _ = try await fixture.backend.completeMultipartUpload(
                        upload, parts: [], options: CompleteOptions())
                }
            }
            #expect(try await fixture.requests(.block).isEmpty)
        }
    }
}
