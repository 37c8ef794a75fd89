import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Writes that depend on what is there, and copies within the service.
@Suite(.timeLimit(.minutes(10))) struct S3ConditionTests {
    /// S3-21, of one request and of several.
    @Test(arguments: S3TestServer.Kind.allCases, [1000, (6 << 20) + 1])
    func `S3-21 of two create-only puts one wins`(
        _ kind: S3TestServer.Kind, _ byteCount: Int
    ) async throws {
        try await S3Fixture.with(kind, configure: { $0.partByteCount = 5 << 20 }) { fixture in
            let uri = fixture.uri("blob")
            let bodies = [1, 2].map { SeededBody(seed: $0, byteCount: byteCount).bytes }
            let codes = await withTaskGroup(of: BlobError.Code?.self) { group in
                for body in bodies {
                    group.addTask {
                        do throws(BlobError) {
                            _ = try await fixture.backend.put(
                                uri, body, options: PutOptions(condition: .createOnly))
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await group.reduce(into: [BlobError.Code?]()) { $0.append($1) }
            }
            // Not where the server has no lock: SeaweedFS completes two uploads at the same time.
            withKnownIssue(isIntermittent: true) {
                #expect(codes.count { $0 == nil } == 1)
                #expect(codes.count { $0 == .alreadyExists } == 1, "\(codes)")
            } when: {
                kind == .seaweedfs && byteCount > 5 << 20
            }
            #expect(codes.allSatisfy { $0 == nil || $0 == .alreadyExists }, "\(codes)")
            let stored = try await fixture.backend.get(uri)
            #expect(bodies.contains(stored))
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-73 if-match of a blob of several parts`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind, configure: { $0.partByteCount = 5 << 20 }) { fixture in
            let uri = fixture.uri("blob")
            let body = SeededBody(seed: 1, byteCount: (5 << 20) + 9).bytes
            let first = try await fixture.backend.put(uri, body)
            let condition = PutOptions(condition: .ifMatch(etag: first.etag))
            let second = try await fixture.backend.put(
                uri, SeededBody(seed: 2, byteCount: (5 << 20) + 9).bytes, options: condition)
            #expect(second.etag != first.etag)
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.put(uri, body, options: condition)
            }
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.put(
                    fixture.uri("missing"), body, options: condition)
            }
            #expect(try await fixture.backend.head(uri).etag == second.etag)
            try await fixture.expectNothingHalfOpen()
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `W-77 copies to another bucket, with conditions on both sides`(
        _ kind: S3TestServer.Kind
    ) async throws {
        try await S3Fixture.with(kind) { fixture in
            let bucket = try await fixture.server.makeBucket()
            let source = fixture.uri("from a+b%20/\u{e9}")
            let target = BlobURI(scheme: .s3, container: bucket, key: "to a+b%20")
            let body = SeededBody(seed: 1, byteCount: (6 << 20) + 1).bytes
            let stored = try await fixture.backend.put(
                source, body,
                options: PutOptions(contentType: "text/x", userMetadata: ["k": "v \u{e9}"]))
            for condition in [WriteCondition.createOnly, .overwrite] {
                let result = try await fixture.backend.copy(
                    from: source, to: target,
                    options: CopyOptions(condition: condition, ifSourceMatch: stored.etag))
                #expect(result.byteCount == UInt64(body.count))
                #expect(try await fixture.backend.get(target) == body)
                let head = try await fixture.backend.head(target)
                #expect(head.etag == result.etag)
                #expect(head.contentType == "text/x")
                #expect(head.userMetadata == ["k": "v \u{e9}"])
            }
            await expectError(.alreadyExists) {
                _ = try await fixture.backend.copy(
                    from: source, to: target, options: CopyOptions(condition: .createOnly))
            }
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.copy(
                    from: source, to: target,
                    options: CopyOptions(condition: .ifMatch(etag: "\"other\"")))
            }
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.copy(
                    from: source, to: target, options: CopyOptions(ifSourceMatch: "\"other\""))
            }
            await fixture.backend.close()
            #expect(try await fixture.server.uploads(prefix: "", bucket: bucket).isEmpty)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `a copy onto itself keeps everything`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(
                uri, Bytes(utf8: "body"),
                options: PutOptions(contentType: "text/x", userMetadata: ["k": "v"]))
            _ = try await fixture.backend.copy(from: uri, to: uri, options: CopyOptions())
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "body"))
            let head = try await fixture.backend.head(uri)
            #expect(head.contentType == "text/x")
            #expect(head.userMetadata == ["k": "v"])
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases)
    func `CM-09 copies from and to what is not there`(_ kind: S3TestServer.Kind) async throws {
        try await S3Fixture.with(kind) { fixture in
            let nowhere = BlobURI(scheme: .s3, container: "no-such-bucket", key: "k")
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            for condition in [WriteCondition.createOnly, .overwrite] {
                let options = CopyOptions(condition: condition)
                await expectError(.notFound) {
                    _ = try await fixture.backend.copy(
                        from: fixture.uri("missing"), to: fixture.uri("to"), options: options)
                }
                await expectError(.containerNotFound) {
                    _ = try await fixture.backend.copy(
                        from: nowhere, to: fixture.uri("to"), options: options)
                }
                // SeaweedFS has an internal error when it copies to no bucket, and is asked again.
                if kind == .seaweedfs, condition == .overwrite { continue }
                await expectError(.containerNotFound) {
                    _ = try await fixture.backend.copy(
                        from: fixture.uri("blob"), to: nowhere, options: options)
                }
            }
            if kind == .seaweedfs {
                let options = CopyOptions(call: CallOptions(timeout: .seconds(1)))
                // Whichever notices first that the time is up.
                let error = await #expect(throws: BlobError.self) {
                    try await fixture.backend.copy(
                        from: fixture.uri("blob"), to: nowhere, options: options)
                }
                let codes: [BlobError.Code] = [.backendUnavailable, .deadlineExceeded]
                #expect(error.map { codes.contains($0.code) } == true)
            }
            #expect(try await fixture.keys() == ["blob"])
        }
    }
}
