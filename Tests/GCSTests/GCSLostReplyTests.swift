import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Requests that were acted upon while the answer was lost (S3-11, S3-21).
@Suite(.timeLimit(.minutes(10))) struct GCSLostReplyTests {
    /// How the answer gets lost.
    static let losses: [[String: JSONValue]] = [
        ["loseReply": true], ["cutAfterBytes": 20], ["status": 500, "perform": true],
    ]
    private static let small = GCSOperation.small
    private static let large = GCSOperation.large

    @Test(arguments: losses)
    func `S3-11 a completion whose answer is lost is found by its token`(
        loss: [String: JSONValue]
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(.complete, loss)
            let result = try await fixture.backend.put(fixture.uri("blob"), Self.large)
            #expect(result.byteCount == UInt64(Self.large.count))
            let generation = try await fixture.head("blob")?.generation
            #expect(result.version == generation)
            #expect(try await fixture.requests(.complete).count == 2)
            #expect(try await fixture.requests(.head).count == 1)
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: losses)
    func `S3-11 a caller's own completion can be repeated`(
        loss: [String: JSONValue]
    ) async throws {
        try await GCSFixture.with { fixture in
            let backend = fixture.backend
            _ = try await fixture.fault(.complete, loss)
            let upload = try await backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let part = try await backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            let first = try await backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            let second = try await backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(first.etag == second.etag && first.version == second.version)
        }
    }

    @Test func `S3-11 a blob that somebody else wrote since is not taken for ours`() async throws {
        try await GCSFixture.with { fixture in
            let name = fixture.prefix
            _ = try await fixture.fault(.complete, ["loseReply": true])
            _ = try await fixture.fault(.complete, ["hold": .text(name)])
            let put = Task { try await fixture.backend.put(fixture.uri("blob"), Self.large) }
            try await fixture.server.waitHeld(name)
            try await fixture.put("blob", Self.small)
            try await fixture.server.release(name)
            await expectError(.uploadNotFound) { _ = try await put.value }
            #expect(try await fixture.server.get(fixture.uri("blob").key) == Self.small)
        }
    }

    @Test(arguments: losses)
    func `S3-21 a create-only write whose answer is lost is found by its token`(
        loss: [String: JSONValue]
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(.put, loss)
            let result = try await fixture.backend.put(
                fixture.uri("blob"), Self.small, options: PutOptions(condition: .createOnly))
            let generation = try await fixture.head("blob")?.generation
            #expect(result.version == generation)
            // Readers do not see the token.
            #expect(try await fixture.backend.head(fixture.uri("blob")).userMetadata.isEmpty)
        }
    }

    /// Between what a caller may give and what the service takes there is room for the token.
    @Test func `S3-21 a write with as much metadata as there can be is found by its token`()
        async throws
    {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(.put, ["loseReply": true])
            let metadata = ["name": String(repeating: "v", count: 2044)]
            let result = try await fixture.backend.put(
                fixture.uri("blob"), Self.small,
                options: PutOptions(condition: .createOnly, userMetadata: metadata))
            let head = try await fixture.backend.head(fixture.uri("blob"))
            #expect(head.version == result.version && head.userMetadata == metadata)
        }
    }

    @Test func `S3-21 what somebody else has written is not taken for ours`() async throws {
        try await GCSFixture.with { fixture in
            let name = fixture.prefix
            _ = try await fixture.fault(.put, ["drop": true])
            _ = try await fixture.fault(.put, ["hold": .text(name)])
            let put = Task {
                try await fixture.backend.put(
                    fixture.uri("blob"), Self.small, options: PutOptions(condition: .createOnly))
            }
            try await fixture.server.waitHeld(name)
            try await fixture.put("blob", Bytes(utf8: "theirs"))
            try await fixture.server.release(name)
            await expectError(.alreadyExists) { _ = try await put.value }
            #expect(try await fixture.server.get(fixture.uri("blob").key).utf8Text == "theirs")
        }
    }

    /// GC-07: each of the requests, also the last.
    @Test(arguments: losses, [0, 1, 2])
    func `what is written in order is taken up where the service has it`(
        loss: [String: JSONValue], request: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let body = SeededBody(seed: 3, byteCount: 11 << 20).bytes
            let fault = try await fixture.fault(.append, loss, skip: request)
            let result = try await fixture.backend.put(
                fixture.uri("blob"), body, options: PutOptions(condition: .createOnly))
            #expect(try await fixture.server.remove(fault) == 1)
            let generation = try await fixture.head("blob")?.generation
            #expect(result.version == generation)
            #expect(try await fixture.server.get(fixture.uri("blob").key) == body)
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: [404, 410])
    func `S3-21 a session that is gone because it was completed has made the blob`(
        _ status: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            _ = try await fixture.fault(.append, ["loseReply": true], skip: 2)
            _ = try await fixture.fault(
                .append, ["status": .number(status), "body": ""], skip: 2)
            let body = SeededBody(seed: 3, byteCount: 11 << 20).bytes
            let result = try await fixture.backend.put(
                fixture.uri("blob"), body, options: PutOptions(condition: .createOnly))
            #expect(try await fixture.head("blob")?.generation == result.version)
            #expect(try await fixture.requests(.append).count == 4)
        }
    }

    /// Its session is known to nobody: the service forgets it.
    @Test(arguments: [GCSRequest.start, .begin])
    func `an upload whose beginning was answered to nobody is begun anew`(
        _ kind: GCSRequest
    ) async throws {
        try await GCSFixture.with { fixture in
            let operation: GCSOperation = kind == .start ? .putInOrder : .putParts
            _ = try await fixture.fault(kind, ["loseReply": true])
            try await operation.run(fixture)
            await fixture.backend.close()
            #expect(try await fixture.openUploads().count == (kind == .begin ? 1 : 0))
            #expect(try await fixture.openSessionCount() == (kind == .start ? 1 : 0))
        }
    }

    @Test(arguments: losses)
    func `GC-09 a deletion whose answer is lost does not know what there was`(
        loss: [String: JSONValue]
    ) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            try await fixture.put("blob", Self.small)
            let fault = try await fixture.fault(.delete, loss)
            let result = try await fixture.backend.delete(uri)
            // A deletion's answer has no body to be cut.
            if loss["cutAfterBytes"] == nil { #expect(result.existed == nil) }
            try await fixture.server.remove(fault)
            #expect(try await fixture.backend.delete(uri).existed == false)
            try await fixture.put("blob", Self.small)
            #expect(try await fixture.backend.delete(uri).existed == true)
        }
    }

    @Test func `a copy with a condition whose answer is lost claims nothing`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("from", Self.small)
            let (from, to) = (fixture.uri("from"), fixture.uri("to"))
            _ = try await fixture.fault(.rewrite, ["loseReply": true])
            // Whether it was made is not known: neither "made" nor "there already" would be true.
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.copy(
                    from: from, to: to, options: CopyOptions(condition: .createOnly))
            }
            #expect(try await fixture.requests(.rewrite).count == 1)
            // Without one it can be repeated.
            _ = try await fixture.fault(.rewrite, ["loseReply": true])
            _ = try await fixture.backend.copy(from: from, to: to, options: CopyOptions())
            #expect(try await fixture.server.get(to.key) == Self.small)
        }
    }
}
