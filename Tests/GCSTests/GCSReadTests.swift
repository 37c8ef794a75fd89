import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Blobs that do not come in one piece, or not as they were (CM-02 to CM-05, GC-04).
@Suite(.timeLimit(.minutes(10))) struct GCSReadTests {
    static let small = SeededBody(seed: 1, byteCount: 40_000).bytes
    /// Two parts and a bit.
    static let large = SeededBody(seed: 2, byteCount: 11 << 20).bytes
    private static let pin = GCSDialect.generationCondition

    @Test(arguments: [0, 10_000, 20_000, 30_000, 39_999])
    func `CM-03 a small blob that breaks off is read on from there, by its generation`(
        cut: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let generation = try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(.get, ["cutAfterBytes": .number(cut)])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.small)
            let requests = try await fixture.requests(.get)
            #expect(
                requests.map { $0.headers["range"] } == [
                    "bytes=0-5242879", "bytes=\(cut)-39999",
                ])
            #expect(requests.map { $0.headers[Self.pin] } == [nil, generation])
        }
    }

    @Test(arguments: 0..<3, 0..<4)
    func `CM-03 each part that breaks off at each quarter is read on from there`(
        part: Int, quarter: Int
    ) async throws {
        try await GCSFixture.with { fixture in
            let generation = try await fixture.put("blob", Self.large)
            // Those after the first come in any order: the last is the smallest.
            let byteCount = (part == 0 ? 5 << 20 : 1 << 20) / 4 * quarter
            let fault = try await fixture.fault(
                .get, ["cutAfterBytes": .number(byteCount)], skip: part)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.large)
            #expect(try await fixture.server.remove(fault) == 1)
            let requests = try await fixture.requests(.get)
            #expect(requests.count == 4)
            #expect(Set(requests.dropFirst().map { $0.headers[Self.pin] }) == [generation])
        }
    }

    @Test func `CM-03 a body that always breaks off is an error in the end`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(.get, ["cutAfterBytes": 0], times: 100)
            let error = await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(error?.message.contains("tried 4 times") == true)
        }
    }

    @Test(arguments: [0, 5, 20_000])
    func `a body that stands still is read on from there`(byteCount: Int) async throws {
        var settings = GCSFixture.Settings()
        settings.timeouts = GCSFixture.timeouts(.seconds(5))
        // On a crowded machine others may come late, too.
        settings.policy.maximumAttemptCount = 20
        try await GCSFixture.with(settings) { fixture in
            try await fixture.put("blob", Self.small)
            let name = fixture.prefix
            _ = try await fixture.fault(
                .get, ["cutAfterBytes": .number(byteCount), "stallUntil": .text(name)])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.small)
            try await fixture.server.release(name)
        }
    }

    /// How the blob changes while it is read.
    enum Change: CaseIterable {
        case otherBytes, sameBytes, deleted, shorter
    }

    @Test(arguments: Change.allCases)
    func `CM-05 a blob that changes between its parts is never mixed`(
        _ change: Change
    ) async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.large)
            let name = fixture.prefix
            _ = try await fixture.fault(.get, ["hold": .text(name)], times: 10, skip: 1)
            let read = try await fixture.backend.read(fixture.uri("blob"))
            let rest = Task {
                var seen = 0
                for try await chunk in read {
                    #expect(Self.large.dropFirst(seen).prefix(chunk.bytes.count) == chunk.bytes)
                    seen += chunk.bytes.count
                }
            }
            try await fixture.server.waitHeld(name)
            switch change {
            case .otherBytes:
                try await fixture.put("blob", SeededBody(seed: 3, byteCount: 11 << 20).bytes)
            // Their entity tag is the same: only the generation tells.
            case .sameBytes: try await fixture.put("blob", Self.large)
            case .deleted: try await fixture.server.delete("\(fixture.prefix)/blob")
            case .shorter: try await fixture.put("blob", Bytes(utf8: "short"))
            }
            try await fixture.server.release(name)
            await expectError(.objectChanged) { try await rest.value }
        }
    }

    @Test func `CM-05 a blob that is replaced where its body broke off is never mixed`()
        async throws
    {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            let name = fixture.prefix
            _ = try await fixture.fault(.get, ["cutAfterBytes": 9000])
            _ = try await fixture.fault(.get, ["hold": .text(name)])
            let read = try await fixture.backend.read(fixture.uri("blob"))
            let rest = Task { for try await _ in read {} }
            try await fixture.server.waitHeld(name)
            try await fixture.put("blob", SeededBody(seed: 9, byteCount: 40_000).bytes)
            try await fixture.server.release(name)
            await expectError(.objectChanged) { try await rest.value }
        }
    }

    @Test func `a service without generations is read by entity tags`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.large)
            _ = try await fixture.fault(
                .get, ["removeHeaders": ["x-goog-generation"]], times: 100)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.large)
            let requests = try await fixture.requests(.get)
            #expect(requests.allSatisfy { $0.headers[Self.pin] == nil })
            #expect(requests.dropFirst().allSatisfy { $0.headers["if-match"] != nil })
        }
    }

    @Test func `CM-04 what has neither generation nor strong tag is not pieced together`()
        async throws
    {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.large)
            _ = try await fixture.fault(
                .get,
                ["removeHeaders": ["x-goog-generation"], "setHeaders": ["ETag": "W/\"weak\""]],
                times: 100)
            let error = await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(error?.retry == .never)
        }
    }

    @Test(
        arguments: [
            "bytes 0-39998/40000", "bytes 1-39999/40000", "bytes */40000", "bytes 0-39999/*",
            "octets 0-39999/40000", "bytes 0-18446744073709551615/18446744073709551616", "",
        ])
    func `CM-02 another range than asked for is an error`(_ place: String) async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(.get, ["setHeaders": ["Content-Range": .text(place)]])
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(try await fixture.requests(.get).count == 1)
        }
    }

    @Test func `CM-02 the whole blob is no answer to a request for a range`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(
                .get,
                ["status": 200, "body": "the whole", "headers": ["ETag": "\"e\""]])
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(
                    fixture.uri("blob"), range: .bounded(start: 4, end: 9))
            }
        }
    }

    @Test(arguments: [0, 20_000, 39_999])
    func `GC-04 a blob that was damaged on the way is an error`(_ position: Int) async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(.get, ["corruptByteAt": .number(position)])
            let error = await expectError(.dataLoss) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
            #expect(error?.retry == .backoff)
            // The next time it comes as it is.
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.small)
        }
    }

    @Test func `GC-04 a blob of many parts has a checksum, too`() async throws {
        try await GCSFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let part = try await fixture.backend.uploadPart(
                upload, partNumber: 1, body: .bytes(Self.small), options: UploadPartOptions())
            _ = try await fixture.backend.completeMultipartUpload(
                upload, parts: [part], options: CompleteOptions())
            #expect(try await fixture.head("blob")?.md5 == nil)
            _ = try await fixture.fault(.get, ["corruptByteAt": 7])
            await expectError(.dataLoss) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
        }
    }

    @Test func `GC-04 without a checksum it is read all the same`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.put("blob", Self.small)
            _ = try await fixture.fault(.get, ["removeHeaders": ["x-goog-hash"]])
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Self.small)
        }
    }
}
