import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Copies, by one request and block by block; the service has to be shown that it may read the source.
@Suite(.timeLimit(.minutes(10))) struct AzureCopyTests {
    /// Whether one request does it.
    enum Way: CaseIterable, Sendable { case whole, blocks }

    private func with(
        _ identity: AzureFixture.Identity, _ way: Way,
        _ body: (AzureFixture) async throws -> Void
    ) async throws {
        var settings = AzureFixture.Settings(identity: identity)
        if way == .blocks { settings.copyByteCount = 1 << 20 }
        try await AzureFixture.with(settings, body)
    }

    private static let body = SeededBody(seed: 9, byteCount: (3 << 20) + 100).bytes

    private func putSource(_ fixture: AzureFixture) async throws {
        try await fixture.server.put(
            fixture.key("from ü+"), Self.body, contentType: "text/x-from",
            contentEncoding: "identity", metadata: ["colour": "blue"])
    }

    @Test(arguments: AzureFixture.Identity.allCases, Way.allCases)
    func `W-77 a copy has everything that its source has`(
        _ identity: AzureFixture.Identity, _ way: Way
    ) async throws {
        try await with(identity, way) { fixture in
            try await putSource(fixture)
            let result = try await fixture.backend.copy(
                from: fixture.uri("from ü+"), to: fixture.uri("to"), options: CopyOptions())
            #expect(result.byteCount == UInt64(Self.body.count))
            let head = try #require(try await fixture.server.head(fixture.key("to")))
            #expect(head.etag == result.etag)
            #expect(head.contentType == "text/x-from")
            #expect(head.contentEncoding == "identity")
            #expect(head.metadata["colour"] == "blue")
            #expect(try await fixture.server.get(fixture.key("to")) == Self.body)
            #expect(
                try await fixture.server.blocks(fixture.key("to")).committed.count
                    == (way == .whole ? 0 : 4))
            // The bytes did not come here.
            let reads = try await fixture.requests(.get)
            #expect(reads.allSatisfy { $0.headers["user-agent"]?.contains("curl") != true })
            #expect(try await fixture.backend.get(fixture.uri("from ü+")) == Self.body)
        }
    }

    @Test(arguments: Way.allCases)
    func `W-77 S3-21 the conditions of both sides hold`(_ way: Way) async throws {
        try await with(.key, way) { fixture in
            try await putSource(fixture)
            let target = fixture.uri("to")
            let (source, createOnly) = (
                fixture.uri("from ü+"), CopyOptions(condition: .createOnly)
            )
            let first = try await fixture.backend.copy(
                from: source, to: target, options: createOnly)
            await expectError(.alreadyExists) {
                _ = try await fixture.backend.copy(from: source, to: target, options: createOnly)
            }
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.copy(
                    from: source, to: target,
                    options: CopyOptions(condition: .ifMatch(etag: "\"0x0\"")))
            }
            let second = try await fixture.backend.copy(
                from: source, to: target,
                options: CopyOptions(condition: .ifMatch(etag: first.etag)))
            #expect(second.etag != first.etag)
            await expectError(.preconditionFailed) {
                _ = try await fixture.backend.copy(
                    from: source, to: target, options: CopyOptions(ifSourceMatch: "\"0x0\""))
            }
            await expectError(.notFound) {
                _ = try await fixture.backend.copy(
                    from: fixture.uri("missing"), to: target, options: CopyOptions())
            }
        }
    }

    @Test(arguments: Way.allCases, [false, true])
    func `CM-05 a source that is replaced or deleted meanwhile is never mixed`(
        _ way: Way, isDeleted: Bool
    ) async throws {
        try await with(.key, way) { fixture in
            try await putSource(fixture)
            let name = fixture.prefix
            let blob = "/[^/?]+/[^/?]+/\(fixture.prefix)/to"
            let pattern = way == .whole ? "^PUT \(blob)$" : "^PUT \(blob)\\?comp=block&"
            _ = try await fixture.server.fault(pattern, ["hold": .text(name)], times: 4)
            let (source, target) = (fixture.uri("from ü+"), fixture.uri("to"))
            let copy = Task {
                try await fixture.backend.copy(from: source, to: target, options: CopyOptions())
            }
            try await fixture.server.waitHeld(name)
            if isDeleted {
                try await fixture.server.delete(fixture.key("from ü+"))
            } else {
                try await fixture.server.put(fixture.key("from ü+"), Bytes(utf8: "other"))
            }
            try await fixture.server.release(name)
            await expectError(.objectChanged) { _ = try await copy.value }
            #expect(try await fixture.server.head(fixture.key("to")) == nil)
        }
    }

    @Test(arguments: Way.allCases)
    func `CM-14 a copy that is cancelled ends and leaves no blob`(_ way: Way) async throws {
        try await with(.key, way) { fixture in
            try await putSource(fixture)
            let name = fixture.prefix
            let target = fixture.uri("to")
            _ = try await fixture.server.fault(
                "^PUT /[^/?]+/[^/?]+/\(fixture.prefix)/to", ["hold": .text(name), "drop": true],
                times: 20)
            let source = fixture.uri("from ü+")
            let copy = Task {
                try await fixture.backend.copy(from: source, to: target, options: CopyOptions())
            }
            try await fixture.server.waitHeld(name)
            copy.cancel()
            await expectError(.cancelled) { _ = try await copy.value }
            try await fixture.server.release(name)
            #expect(try await fixture.server.head(fixture.key("to")) == nil)
        }
    }

    @Test func `S3-21 a create-only copy whose answer is lost is found by its token`()
        async throws
    {
        try await AzureFixture.with { fixture in
            try await putSource(fixture)
            _ = try await fixture.server.fault(
                "^PUT /[^/?]+/[^/?]+/\(fixture.prefix)/to$",
                ["status": 500, "code": "InternalError", "perform": true])
            let result = try await fixture.backend.copy(
                from: fixture.uri("from ü+"), to: fixture.uri("to"),
                options: CopyOptions(condition: .createOnly))
            #expect(try await fixture.server.head(fixture.key("to"))?.etag == result.etag)
            let metadata = try await fixture.backend.head(fixture.uri("to"))
            #expect(metadata.userMetadata == ["colour": "blue"])
        }
    }
}
