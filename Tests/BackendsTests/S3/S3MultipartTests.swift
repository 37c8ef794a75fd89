import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Uploads in parts, and what is left of them at the server.
@Suite(.timeLimit(.minutes(10))) struct S3MultipartTests {
    private func begin(_ fixture: S3Fixture, _ key: String = "blob") async throws -> MultipartUpload
    {
        try await fixture.backend.createMultipartUpload(
            fixture.uri(key), options: MultipartOptions())
    }

    private func send(
        _ fixture: S3Fixture, _ upload: MultipartUpload, _ number: UInt32, _ body: Bytes
    ) async throws -> UploadedPart {
        try await fixture.backend.uploadPart(
            upload, partNumber: number, body: .bytes(body), options: UploadPartOptions())
    }

    private func complete(
        _ fixture: S3Fixture, _ upload: MultipartUpload, _ parts: [UploadedPart]
    ) async throws -> PutResult {
        try await fixture.backend.completeMultipartUpload(
            upload, parts: parts, options: CompleteOptions())
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-84 an upload that is given up leaves nothing`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let upload = try await begin(fixture)
            _ = try await send(fixture, upload, 1, Bytes(utf8: "x"))
            #expect(try await fixture.openUploadCount() == 1)
            try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
            #expect(try await fixture.openUploadCount() == 0)
            #expect(try await fixture.keys() == [])
            // Again, and one that never was.
            try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
            var unknown = upload
            unknown.uploadID = "x"
            try await fixture.backend.abortMultipartUpload(unknown, options: CallOptions())
        }
    }

    /// S3-11: whoever did not get the answer asks again.
    @Test(arguments: S3TestServer.Kind.allCases)
    func `S3-11 complete twice succeeds twice`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let upload = try await begin(fixture)
            let part = try await send(fixture, upload, 1, Bytes(utf8: "body"))
            let first = try await complete(fixture, upload, [part])
            let second = try await complete(fixture, upload, [part])
            #expect(first == second)
            #expect(first.byteCount == 4)
            let onlyTag = UploadedPart(partNumber: 1, etag: part.etag)
            #expect(try await complete(fixture, upload, [onlyTag]) == first)
            // Somebody else's blob is not this upload's. ministack, as AWS, remembers the answer.
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "other"))
            if kind == .ministack {
                #expect(try await complete(fixture, upload, [part]) == first)
            } else {
                await expectError(.uploadNotFound) {
                    _ = try await complete(fixture, upload, [part])
                }
            }
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "other"))
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `S3-14 W-83 an upload without parts is an empty blob, also twice`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let upload = try await begin(fixture)
            let result = try await complete(fixture, upload, [])
            #expect(result.byteCount == 0)
            #expect(try await complete(fixture, upload, []) == result)
            #expect(try await fixture.server.head(fixture.uri("blob").key)?.ContentLength == 0)
            #expect(try await fixture.openUploadCount() == 0)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-83 parts with another tag, missing or too small`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let upload = try await begin(fixture)
            let first = try await send(fixture, upload, 1, Bytes(utf8: "x"))
            let second = try await send(fixture, upload, 2, Bytes(utf8: "y"))
            var wrong = first
            wrong.etag = second.etag
            var missing = second
            missing.partNumber = 3
            for parts in [[wrong], [missing]] {
                await expectError(.multipart) { _ = try await complete(fixture, upload, parts) }
            }
            // S3-13, S3-14: known without asking the server.
            let untagged = UploadedPart(partNumber: 1)
            let tooMany = (1...10_001).map { UploadedPart(partNumber: $0, etag: first.etag) }
            for parts in [[untagged], [second, first], [first, first], tooMany, [first, second]] {
                await expectError(.multipart) { _ = try await complete(fixture, upload, parts) }
            }
            #expect(try await fixture.keys() == [])
            // Without their sizes only the server can tell; ministack lets small parts through.
            let unsized = [first, second].map {
                UploadedPart(partNumber: $0.partNumber, etag: $0.etag)
            }
            if kind == .ministack {
                #expect(try await complete(fixture, upload, unsized).byteCount == 2)
            } else {
                await expectError(.multipart) {
                    _ = try await complete(fixture, upload, unsized)
                }
                #expect(try await fixture.keys() == [])
                try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
            }
            #expect(try await fixture.openUploadCount() == 0)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-82 more parts than a page has`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let upload = try await begin(fixture)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 1...16 {
                    group.addTask {
                        for number in stride(from: worker, through: 1002, by: 16) {
                            _ = try await send(
                                fixture, upload, UInt32(number), Bytes(utf8: "\(number)"))
                        }
                    }
                }
                try await group.waitForAll()
            }
            var found: [UploadedPart] = []
            var after: UInt32? = 0
            var pageCount = 0
            while let current = after {
                let page = try await fixture.backend.listParts(
                    upload, afterPartNumber: current, options: CallOptions())
                found += page.parts
                after = page.nextPartNumber
                pageCount += 1
            }
            #expect(pageCount == 2)
            #expect(found.map(\.partNumber) == Array(1...1002))
            #expect(found.allSatisfy { $0.byteCount == UInt64("\($0.partNumber)".utf8.count) })
            try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-81 a part larger than what is kept in memory`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
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
            let page = try await fixture.backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.map(\.partNumber) == [1])
            let result = try await complete(fixture, upload, [part])
            #expect(result.byteCount == UInt64(body.byteCount))
            #expect(try await fixture.backend.get(fixture.uri("blob")) == body.bytes)
        }
    }
}
