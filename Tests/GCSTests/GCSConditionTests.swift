import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Writes that keep a condition, small and large (GC-07).
@Suite(.timeLimit(.minutes(10))) struct GCSConditionTests {
    private static let small = GCSOperation.small
    /// Two parts and a bit.
    private static let large = SeededBody(seed: 2, byteCount: 11 << 20).bytes
    private static let pin = GCSDialect.generationCondition

    @Test(arguments: [small, large])
    func `GC-07 create-only writes say generation zero`(_ body: Bytes) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            let options = PutOptions(
                condition: .createOnly, contentType: "text/c", userMetadata: ["a": "b"],
                computesSHA256: true)
            let result = try await fixture.backend.put(uri, body, options: options)
            #expect(result.byteCount == UInt64(body.count))
            #expect(result.sha256?.count == 32)
            let head = try #require(try await fixture.head("blob"))
            #expect(head.generation == result.version && head.contentType == "text/c")
            #expect(head.metadata["a"] == "b")
            #expect(try await fixture.server.get(uri.key) == body)
            await expectError(.alreadyExists) {
                try await fixture.backend.put(uri, Self.small, options: options)
            }
            await expectError(.alreadyExists) {
                try await fixture.backend.put(uri, Self.large, options: options)
            }
            #expect(try await fixture.head("blob")?.generation == result.version)
            let kind: GCSRequest = body.count > GCSFixture.partByteCount ? .start : .put
            #expect(try await fixture.requests(kind).first?.headers[Self.pin] == "0")
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: [small, large])
    func `GC-07 a replacement says the generation that had the tag`(_ body: Bytes) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            let first = try await fixture.backend.put(uri, Bytes(utf8: "first"))
            let second = try await fixture.backend.put(
                uri, body, options: PutOptions(condition: .ifMatch(etag: first.etag)))
            #expect(try await fixture.server.get(uri.key) == body)
            let kind: GCSRequest = body.count > GCSFixture.partByteCount ? .start : .put
            #expect(try await fixture.requests(kind).last?.headers[Self.pin] == first.version)
            await expectError(.preconditionFailed) {
                try await fixture.backend.put(
                    uri, body, options: PutOptions(condition: .ifMatch(etag: first.etag)))
            }
            await expectError(.preconditionFailed) {
                try await fixture.backend.put(
                    fixture.uri("missing"), body,
                    options: PutOptions(condition: .ifMatch(etag: first.etag)))
            }
            #expect(try await fixture.head("blob")?.generation == second.version)
        }
    }

    /// The condition is looked at when the last byte is there.
    @Test(arguments: [WriteCondition.createOnly, .ifMatch(etag: "")], [false, true])
    func `GC-07 who comes first wins, however late the other is`(
        _ condition: WriteCondition, isLarge: Bool
    ) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            var condition = condition
            if condition != .createOnly {
                let first = try await fixture.backend.put(uri, Bytes(utf8: "first"))
                condition = .ifMatch(etag: first.etag)
            }
            let options = PutOptions(condition: condition)
            let name = fixture.prefix
            let body = isLarge ? Self.large : Self.small
            // The last of three, or the only one.
            _ = try await fixture.fault(
                isLarge ? .append : .put, ["hold": .text(name)], skip: isLarge ? 2 : 0)
            let put = Task { try await fixture.backend.put(uri, body, options: options) }
            try await fixture.server.waitHeld(name)
            try await fixture.put("blob", Bytes(utf8: "theirs"))
            try await fixture.server.release(name)
            await expectError(.alreadyExists, .preconditionFailed) { _ = try await put.value }
            #expect(try await fixture.server.get(uri.key).utf8Text == "theirs")
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: [262_144, 524_288, 4_980_736])
    func `bytes in order of which the service kept some are sent from there`(
        _ byteCount: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            try await fixture.server.call(
                "keepOnly", ["key": .text(uri.key), "byteCount": .number(byteCount)])
            try await fixture.backend.put(
                uri, Self.large, options: PutOptions(condition: .createOnly))
            #expect(try await fixture.server.get(uri.key) == Self.large)
            let ranges = try await fixture.requests(.append).compactMap {
                $0.headers["content-range"]
            }
            #expect(
                ranges == [
                    "bytes 0-5242879/*", "bytes \(byteCount)-5242879/*", "bytes 5242880-10485759/*",
                    "bytes 10485760-11534335/11534336",
                ])
        }
    }

    @Test(arguments: [WriteCondition.createOnly, .ifMatch(etag: "")], [0, 1, 2])
    func `a session that is gone is no condition that does not hold`(
        _ condition: WriteCondition, request: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            var condition = condition
            if condition != .createOnly {
                let first = try await fixture.backend.put(uri, Bytes(utf8: "first"))
                condition = .ifMatch(etag: first.etag)
            }
            let options = PutOptions(condition: condition)
            func put() async throws {
                try await fixture.backend.put(uri, Self.large, options: options)
            }
            let gone: [[String: JSONValue]] = [
                ["status": 404, "body": ""], ["status": 404, "body": "Not Found"], ["status": 410],
            ]
            for fault in gone {
                _ = try await fixture.fault(.append, fault, skip: request)
                let error = await expectError(.backendUnavailable) { try await put() }
                #expect(error?.message.contains("has forgotten the upload") == true)
            }
            _ = try await fixture.fault(
                .append, ["status": 404, "code": "NoSuchBucket"], skip: request)
            await expectError(.containerNotFound) { try await put() }
            // Who does not say so is asked.
            _ = try await fixture.fault(.append, ["status": 404, "body": ""], skip: request)
            _ = try await fixture.fault(.get, ["status": 404, "code": "NoSuchBucket"])
            await expectError(.containerNotFound) { try await put() }
            try await put()
            #expect(try await fixture.server.get(uri.key) == Self.large)
        }
    }

    @Test func `bodies in order have any length`() async throws {
        try await GCSFixture.with { fixture in
            for byteCount in [(5 << 20) + 1, 10 << 20, (10 << 20) + (256 << 10)] {
                let body = SeededBody(seed: 8, byteCount: byteCount)
                let uri = fixture.uri("blob-\(byteCount)")
                let result = try await fixture.backend.put(
                    uri, body: .stream(body.source(pieceByteCount: 99_992), byteCount: nil),
                    options: PutOptions(condition: .createOnly))
                #expect(result.byteCount == UInt64(byteCount))
                #expect(try await fixture.server.get(uri.key) == body.bytes)
            }
        }
    }

    @Test func `CM-15 a body in order with another checksum or length stores nothing`()
        async throws
    {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            let wrong = PutOptions(
                condition: .createOnly, expectedSHA256: [UInt8](repeating: 1, count: 32))
            await expectError(.checksumMismatch) {
                try await fixture.backend.put(uri, Self.large, options: wrong)
            }
            let source = SeededBody(seed: 8, byteCount: 11 << 20).source(pieceByteCount: 1 << 20)
            await expectError(.invalidArgument) {
                _ = try await fixture.backend.put(
                    uri, body: .stream(source, byteCount: 12 << 20),
                    options: PutOptions(condition: .createOnly))
            }
            try await fixture.expectNothingHalfOpen()
            #expect(try await fixture.keys() == [])
            #expect(try await fixture.requests(.giveUp).map(\.status) == [499, 499])
        }
    }

    @Test func `GC-04 what arrived damaged in order does not stay`() async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(
                .append, ["setHeaders": ["x-goog-hash": "crc32c=AAAAAA=="]], skip: 2)
            let error = await expectError(.checksumMismatch) {
                try await fixture.backend.put(
                    fixture.uri("blob"), Self.large, options: PutOptions(condition: .createOnly))
            }
            #expect(error?.message.contains("is removed again") == true)
            #expect(try await fixture.keys() == [])
        }
    }

    /// How its removal goes wrong, and whether the blob is gone in spite of that.
    @Test(
        arguments: [
            (["status": 500], false), (["status": 403, "code": "AccessDenied"], false),
            (["loseReply": true], true), (["status": 500, "perform": true], true),
        ] as [([String: JSONValue], Bool)])
    func `GC-04 damage is told as such when the removal fails, too`(
        _ fault: [String: JSONValue], isGone: Bool
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(
                .append, ["setHeaders": ["x-goog-hash": "crc32c=AAAAAA=="]], skip: 2)
            _ = try await fixture.fault(.delete, fault, times: isGone ? 1 : 10)
            let error = await expectError(.checksumMismatch) {
                try await fixture.backend.put(
                    fixture.uri("blob"), Self.large, options: PutOptions(condition: .createOnly))
            }
            let words = isGone ? "is removed again" : "could not be removed again; delete it"
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            #expect(try await fixture.keys() == (isGone ? [] : ["blob"]))
        }
    }

    @Test(arguments: [false, true])
    func `GC-04 S3-21 a blob that is found by its token is compared, too`(
        isDamaged: Bool
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(.append, ["loseReply": true], times: 10, skip: 2)
            if isDamaged {
                _ = try await fixture.fault(
                    .head, ["setHeaders": ["x-goog-hash": "crc32c=AAAAAA=="]])
            }
            let put = Task {
                try await fixture.backend.put(
                    fixture.uri("blob"), Self.large, options: PutOptions(condition: .createOnly))
            }
            if isDamaged {
                await expectError(.checksumMismatch) { _ = try await put.value }
                #expect(try await fixture.keys() == [])
            } else {
                let result = try await put.value
                #expect(try await fixture.head("blob")?.generation == result.version)
            }
        }
    }

    @Test(arguments: [GCSRequest.put, .part])
    func `GC-04 what is sent has its checksum, and what arrives damaged is sent again`(
        _ kind: GCSRequest
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(kind, ["status": 400, "code": "BadDigest"])
            try await (kind == .put ? GCSOperation.put : .putParts).run(fixture)
            let requests = try await fixture.requests(kind)
            #expect(
                requests.allSatisfy { $0.headers["x-goog-hash"]?.hasPrefix("crc32c=") == true })
        }
    }

    @Test func `GC-07 a completion with a condition is refused, and the upload stays`()
        async throws
    {
        try await GCSFixture.with { fixture in
            let backend = fixture.backend
            let upload = try await backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let part = try await backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            func complete(_ condition: WriteCondition) async throws -> PutResult {
                try await backend.completeMultipartUpload(
                    upload, parts: [part], options: CompleteOptions(condition: condition))
            }
            // It would hold, but nothing could promise that.
            let error = await expectError(.unsupportedOperation) {
                _ = try await complete(.createOnly)
            }
            #expect(error?.message.contains("complete without one") == true)
            // It certainly does not hold.
            await expectError(.preconditionFailed) {
                _ = try await complete(.ifMatch(etag: "\"x\""))
            }
            let theirs = try await backend.put(fixture.uri("blob"), Bytes(utf8: "theirs"))
            await expectError(.alreadyExists) { _ = try await complete(.createOnly) }
            await expectError(.preconditionFailed) {
                _ = try await complete(.ifMatch(etag: "\"x\""))
            }
            await expectError(.unsupportedOperation) {
                _ = try await complete(.ifMatch(etag: theirs.etag))
            }
            #expect(try await fixture.requests(.complete).isEmpty)
            _ = try await complete(.overwrite)
            #expect(try await backend.get(fixture.uri("blob")) == Self.small)
        }
    }
}
