import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Uploads in parts (GC-05), and copies (W-77).
@Suite(.timeLimit(.minutes(10))) struct GCSUploadTests {
    private static let small = GCSOperation.small

    @Test func `GC-05 tags stand in the list as they are, and cannot become markup`() throws {
        let text = GCSDialect.completion([
            StoredPart(number: 1, etag: "\"abc\""),
            StoredPart(number: 2, etag: "\"</ETag><Part>&\""),
        ])
        #expect(
            text == "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
                + "<ETag>\"abc\"</ETag></Part><Part><PartNumber>2</PartNumber>"
                + "<ETag>\"&lt;/ETag&gt;&lt;Part&gt;&amp;\"</ETag></Part>"
                + "</CompleteMultipartUpload>")
    }

    private func complete(_ fixture: GCSFixture) async throws -> PutResult {
        let upload = try await fixture.backend.createMultipartUpload(
            fixture.uri("blob"), options: MultipartOptions(contentType: "text/e"))
        let result = try await fixture.backend.completeMultipartUpload(
            upload, parts: [], options: CompleteOptions())
        // And again, for its answer may have been lost.
        let again = try await fixture.backend.completeMultipartUpload(
            upload, parts: [], options: CompleteOptions())
        #expect(again.version == result.version)
        return result
    }

    @Test func `GC-05 an upload without parts makes an empty blob`() async throws {
        try await GCSFixture.with { fixture in
            let result = try await complete(fixture)
            let head = try #require(try await fixture.head("blob"))
            #expect(head.size == 0 && head.contentType == "text/e")
            #expect(head.generation == result.version)
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: [GCSRequest.part, .complete])
    func `GC-05 where an empty part is refused it is given up and the blob is put`(
        _ kind: GCSRequest
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(
                kind, ["status": 400, "code": "EntityTooSmall"])
            _ = try await complete(fixture)
            #expect(try await fixture.head("blob")?.size == 0)
            #expect(try await fixture.requests(.put).count == 1)
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test func `GC-05 giving up what is not there succeeds`() async throws {
        try await GCSFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            for _ in 0..<2 {
                try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
            }
            #expect(try await fixture.requests(.abort).map(\.status) == [204, 404])
            await expectError(.uploadNotFound) {
                _ = try await fixture.backend.completeMultipartUpload(
                    upload, parts: [UploadedPart(partNumber: 1, etag: "\"x\"")],
                    options: CompleteOptions())
            }
        }
    }

    @Test func `a part that can be sent once is sent when the service agrees`() async throws {
        try await GCSFixture.with { fixture in
            let body = SeededBody(seed: 8, byteCount: 17 << 20)
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let part = try await fixture.backend.uploadPart(
                upload, partNumber: 1,
                body: .stream(body.source(pieceByteCount: 1 << 20), byteCount: 17 << 20),
                options: UploadPartOptions())
            _ = try await fixture.backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(try await fixture.server.get(fixture.uri("blob").key) == body.bytes)
            #expect(try await fixture.requests(.part).first?.headers["expect"] == "100-continue")
        }
    }

    // MARK: Copies

    @Test func `W-77 a copy that takes several calls`() async throws {
        let server = try await CloudTestServer.start(.gcs)
        defer { server.stop() }
        try await server.call("setRewrite", ["byteCount": 1_048_576])
        var settings = GCSFixture.Settings()
        settings.server = server
        try await GCSFixture.with(settings) { fixture in
            let body = SeededBody(seed: 3, byteCount: (3 << 20) + 5).bytes
            let options = PutOptions(contentType: "text/c", userMetadata: ["a": "ü"])
            _ = try await fixture.backend.put(fixture.uri("from"), body, options: options)
            let result = try await fixture.backend.copy(
                from: fixture.uri("from"), to: fixture.uri("to"),
                options: CopyOptions(condition: .createOnly))
            #expect(try await fixture.requests(.rewrite).count == 4)
            let (metadata, bytes) = try await fixture.backend.get(
                fixture.uri("to"), options: GetOptions())
            #expect(bytes == body && metadata.contentType == "text/c")
            #expect(metadata.userMetadata == ["a": "ü"])
            #expect(metadata.etag == result.etag && metadata.version == result.version)
            #expect(result.byteCount == UInt64(body.count))
        }
    }

    @Test func `W-77 a copy onto itself makes a new generation of the same`() async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            let options = PutOptions(contentType: "text/c", userMetadata: ["a": "b"])
            let first = try await fixture.backend.put(uri, Self.small, options: options)
            let result = try await fixture.backend.copy(from: uri, to: uri, options: CopyOptions())
            #expect(result.version != first.version)
            let metadata = try await fixture.backend.head(uri)
            #expect(metadata.userMetadata == ["a": "b"] && metadata.version == result.version)
        }
    }

    /// What happens to the two sides while it is copied, and what that is called.
    enum Change: CaseIterable {
        case sourceReplaced, sourceDeleted, destinationAppears, destinationReplaced
    }

    @Test(arguments: Change.allCases)
    func `W-77 a copy is of what was looked at, and keeps its condition`(
        _ change: Change
    ) async throws {
        try await GCSFixture.with { fixture in
            let (from, to) = (fixture.uri("from"), fixture.uri("to"))
            try await fixture.put("from", Self.small)
            var condition = WriteCondition.overwrite
            if change == .destinationAppears { condition = .createOnly }
            if change == .destinationReplaced {
                let old = try await fixture.backend.put(to, Bytes(utf8: "old"))
                condition = .ifMatch(etag: old.etag)
            }
            let name = fixture.prefix
            _ = try await fixture.fault(.rewrite, ["hold": .text(name)])
            let copy = Task { [condition] in
                try await fixture.backend.copy(
                    from: from, to: to, options: CopyOptions(condition: condition))
            }
            try await fixture.server.waitHeld(name)
            switch change {
            case .sourceReplaced: try await fixture.put("from", Bytes(utf8: "new"))
            case .sourceDeleted: try await fixture.server.delete(from.key)
            case .destinationAppears, .destinationReplaced:
                try await fixture.put("to", Bytes(utf8: "theirs"))
            }
            try await fixture.server.release(name)
            let expected: BlobError.Code =
                switch change {
                case .sourceReplaced, .sourceDeleted: .objectChanged
                case .destinationAppears: .alreadyExists
                case .destinationReplaced: .preconditionFailed
                }
            let error = await expectError(expected) { _ = try await copy.value }
            let isSource = change == .sourceReplaced || change == .sourceDeleted
            #expect(error?.uri == (isSource ? from : to).description)
        }
    }

    @Test func `W-77 a copy that is replaced at once has no tag to tell`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("from", Self.small)
            let name = fixture.prefix
            let pattern = "^HEAD /[^/?]+/\(fixture.prefix)/to$"
            _ = try await fixture.server.fault(pattern, ["hold": .text(name)])
            let copy = Task {
                try await fixture.backend.copy(
                    from: fixture.uri("from"), to: fixture.uri("to"), options: CopyOptions())
            }
            try await fixture.server.waitHeld(name)
            try await fixture.put("to", Bytes(utf8: "theirs"))
            try await fixture.server.release(name)
            await expectError(.objectChanged) { _ = try await copy.value }
        }
    }
}
