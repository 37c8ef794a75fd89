import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Uploads in blocks, and what the service makes of them.
@Suite(.timeLimit(.minutes(10))) struct AzureMultipartTests {
    private func begin(
        _ fixture: AzureFixture, _ key: String = "blob"
    ) async throws -> MultipartUpload {
        try await fixture.backend.createMultipartUpload(
            fixture.uri(key), options: MultipartOptions())
    }

    private func send(
        _ fixture: AzureFixture, _ upload: MultipartUpload, _ number: UInt32, _ text: String
    ) async throws -> UploadedPart {
        try await fixture.backend.uploadPart(
            upload, partNumber: number, body: .bytes(Bytes(utf8: text)),
            options: UploadPartOptions())
    }

    private func complete(
        _ fixture: AzureFixture, _ upload: MultipartUpload, _ parts: [UploadedPart],
        _ condition: WriteCondition = .overwrite
    ) async throws -> PutResult {
        try await fixture.backend.completeMultipartUpload(
            upload, parts: parts, options: CompleteOptions(condition: condition))
    }

    @Test func `AZ-05 blocks have names of one length, whatever the number of the part`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let upload = try await begin(fixture)
            var parts: [UploadedPart] = []
            for number: UInt32 in [9, 10, 99, 100, 10_000] {
                parts.append(try await send(fixture, upload, number, "\(number) "))
            }
            let blocks = try await fixture.server.blocks(fixture.key("blob")).uncommitted
            #expect(blocks.count == 5)
            #expect(Set(blocks.map(\.identifier.unicodeScalars.count)).count == 1)
            _ = try await complete(fixture, upload, parts)
            #expect(
                try await fixture.backend.get(fixture.uri("blob"))
                    == Bytes(utf8: "9 10 99 100 10000 "))
        }
    }

    @Test func `AZ-05 blocks of another program with names of another length are a conflict`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let url = try await fixture.backend.presignUploadParts(
                try await begin(fixture), partNumbers: [1], options: PresignOptions())[0].url
            let signed = try #require(url.split(separator: "&comp=").first)
            let foreign = try await Curl.send(
                signed + "&comp=block&blockid=MDAwMQ%3D%3D", body: Bytes(utf8: "theirs"))
            #expect(foreign.status == 201)
            let upload = try await begin(fixture)
            let error = await expectError(.conflict) {
                _ = try await send(fixture, upload, 1, "ours")
            }
            #expect(error?.message.contains("names of another length") == true)
            #expect(error?.message.contains("a week") == true)
            // By one request it can be written, and then the others are gone.
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "whole"))
            _ = try await complete(fixture, upload, [try await send(fixture, upload, 1, "ours")])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "ours"))
        }
    }

    @Test func `AZ-06 S3-11 complete twice succeeds twice and writes once`() async throws {
        try await AzureFixture.with { fixture in
            for condition in [WriteCondition.overwrite, .createOnly] {
                let key = condition == .createOnly ? "new" : "blob"
                let upload = try await begin(fixture, key)
                let part = try await send(fixture, upload, 1, "body")
                let first = try await complete(fixture, upload, [part], condition)
                let second = try await complete(fixture, upload, [part], condition)
                #expect(first == second)
                #expect(try await fixture.server.head(fixture.key(key))?.etag == first.etag)
            }
            // Somebody else's blob is not this upload's.
            let upload = try await begin(fixture)
            let part = try await send(fixture, upload, 1, "body")
            _ = try await complete(fixture, upload, [part])
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "other"))
            await expectError(.conflict) { _ = try await complete(fixture, upload, [part]) }
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "other"))
        }
    }

    @Test func `AZ-08 the second of two uploads of a blob is a conflict and not lost data`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let first = try await begin(fixture)
            let second = try await begin(fixture)
            let firstPart = try await send(fixture, first, 1, "first")
            let secondParts = [
                try await send(fixture, second, 1, "second"),
                try await send(fixture, second, 2, " and last"),
            ]
            _ = try await complete(fixture, first, [firstPart])
            let error = await expectError(.conflict) {
                _ = try await complete(fixture, second, secondParts)
            }
            #expect(error?.retry == .never)
            #expect(error?.message.contains("begin the upload anew") == true)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "first"))
            // Which works.
            let third = try await begin(fixture)
            let part = try await send(fixture, third, 1, "third")
            _ = try await complete(fixture, third, [part])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "third"))
        }
    }

    @Test func `AZ-08 two large puts at once leave one of both, and the other is told`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let bodies = [1, 2].map { SeededBody(seed: $0, byteCount: 12 << 20).bytes }
            let outcomes = await withTaskGroup(of: BlobError.Code?.self) { group in
                for body in bodies {
                    group.addTask {
                        do {
                            try await fixture.backend.put(fixture.uri("blob"), body)
                            return nil
                        } catch { return (error as? BlobError)?.code ?? .other }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.contains(nil))
            #expect(outcomes.allSatisfy { $0 == nil || $0 == .conflict || $0 == .multipart })
            let found = try await fixture.backend.get(fixture.uri("blob"))
            #expect(bodies.contains(found))
        }
    }

    @Test func `W-83 a part that is missing is named, and can be brought later`() async throws {
        try await AzureFixture.with { fixture in
            let upload = try await begin(fixture)
            let first = try await send(fixture, upload, 1, "a")
            let wanted = [first] + [2, 3].map { UploadedPart(partNumber: $0, byteCount: 1) }
            let error = await expectError(.multipart) {
                _ = try await complete(fixture, upload, wanted)
            }
            #expect(error?.message.contains("part 2 is not there, nor are 1 others") == true)
            _ = try await send(fixture, upload, 2, "b")
            _ = try await send(fixture, upload, 3, "c")
            _ = try await complete(fixture, upload, wanted)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "abc"))
        }
    }

    @Test(arguments: [WriteCondition.overwrite, .createOnly, .ifMatch(etag: "")], [false, true])
    func `a completed upload is told as such, whoever comes before its size is asked for`(
        _ condition: WriteCondition, isReplaced: Bool
    ) async throws {
        try await AzureFixture.with { fixture in
            var condition = condition
            if case .ifMatch = condition {
                let first = try await fixture.backend.put(fixture.uri("blob"), Bytes())
                condition = .ifMatch(etag: first.etag)
            }
            let wanted = condition
            let upload = try await begin(fixture)
            var part = try await send(fixture, upload, 1, "body")
            part.byteCount = nil
            let parts = [part]
            _ = try await fixture.fault(.head, ["hold": .text(fixture.prefix)])
            let completion = Task { try await complete(fixture, upload, parts, wanted) }
            try await fixture.server.waitHeld(fixture.prefix)
            if isReplaced {
                try await fixture.server.put(fixture.key("blob"), Bytes(utf8: "theirs"))
            } else {
                try await fixture.server.call("delete", ["key": .text(fixture.key("blob"))])
            }
            try await fixture.server.release(fixture.prefix)
            let error = await expectError(.objectChanged) { _ = try await completion.value }
            #expect(error?.message.contains("the upload was completed") == true)
            #expect(error?.retry == .never)
        }
    }

    @Test(arguments: [5 << 20, 10 << 20])
    func `AZ-09 a stream of exactly so many parts has no empty block at its end`(
        byteCount: Int
    ) async throws {
        try await AzureFixture.with { fixture in
            let body = SeededBody(seed: 3, byteCount: byteCount)
            let result = try await fixture.backend.put(
                fixture.uri("blob"),
                body: .stream(body.source(pieceByteCount: 1 << 20), byteCount: nil),
                options: PutOptions())
            #expect(result.byteCount == UInt64(byteCount))
            #expect(try await fixture.server.get(fixture.key("blob")) == body.bytes)
            let blocks = try await fixture.server.blocks(fixture.key("blob")).committed
            // One part goes by one request.
            #expect(blocks.map(\.size) == (byteCount == 10 << 20 ? [5 << 20, 5 << 20] : []))
        }
    }

    @Test func `AZ-09 empty parts are left out, also among others`() async throws {
        try await AzureFixture.with { fixture in
            let upload = try await begin(fixture)
            let parts = [
                try await send(fixture, upload, 1, "a"), try await send(fixture, upload, 2, ""),
                try await send(fixture, upload, 3, "b"),
            ]
            #expect(parts[1].byteCount == 0)
            let result = try await complete(fixture, upload, parts)
            #expect(result.byteCount == 2)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "ab"))
        }
    }

    @Test func `W-82 more parts than a page has`() async throws {
        try await AzureFixture.with { fixture in
            let upload = try await begin(fixture)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 1...16 {
                    group.addTask {
                        for number in stride(from: worker, through: 1002, by: 16) {
                            _ = try await send(fixture, upload, UInt32(number), "\(number)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let first = try await fixture.backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(first.nextPartNumber == 1000)
            let second = try await fixture.backend.listParts(
                upload, afterPartNumber: 1000, options: CallOptions())
            #expect(second.nextPartNumber == nil)
            let found = first.parts + second.parts
            #expect(found.map(\.partNumber) == Array(1...1002))
            #expect(found.allSatisfy { $0.byteCount == UInt64("\($0.partNumber)".utf8.count) })
        }
    }

    @Test func `W-81 a part larger than what is kept in memory`() async throws {
        try await AzureFixture.with { fixture in
            let upload = try await begin(fixture)
            let body = SeededBody(seed: 5, byteCount: (16 << 20) + 1)
            func source(_ declared: Int?) -> BlobBody {
                .stream(
                    body.source(pieceByteCount: 1 << 20), byteCount: declared.map(UInt64.init))
            }
            let part = try await fixture.backend.uploadPart(
                upload, partNumber: 1, body: source(body.byteCount), options: UploadPartOptions())
            // CM-15, also for what is sent while it is read.
            for declared in [nil, body.byteCount - 1, body.byteCount + 1] {
                await expectError(.invalidArgument) {
                    _ = try await fixture.backend.uploadPart(
                        upload, partNumber: 2, body: source(declared),
                        options: UploadPartOptions())
                }
            }
            _ = try await complete(fixture, upload, [part])
            #expect(try await fixture.server.get(fixture.key("blob")) == body.bytes)
        }
    }
}
