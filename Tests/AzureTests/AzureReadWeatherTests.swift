import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Blobs that do not come in one piece, or not as they should.
@Suite(.timeLimit(.minutes(10))) struct AzureReadWeatherTests {
    static let small = SeededBody(seed: 1, byteCount: 40_000).bytes
    /// Three parts, so that whichever is asked for second can be cut as the second.
    static let large = SeededBody(seed: 2, byteCount: 15 << 20).bytes

    private func put(_ fixture: AzureFixture, _ body: Bytes) async throws -> BlobURI {
        try await fixture.server.put(fixture.key("blob"), body)
        return fixture.uri("blob")
    }

    @Test(arguments: 0..<3, 0..<4)
    func `CM-03 each part that breaks off at each quarter is read on from there`(
        part: Int, quarter: Int
    ) async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.large)
            let byteCount = AzureFixture.partByteCount
            let fault = try await fixture.fault(
                .get, ["cutAfterBytes": .number(byteCount / 4 * quarter)], skip: part)
            #expect(try await fixture.backend.get(uri) == Self.large)
            #expect(try await fixture.server.hits(fault) == 1)
            let requests = try await fixture.requests(.get)
            #expect(requests.count == 4)
            let etag = try await fixture.backend.head(uri).etag
            #expect(requests.dropFirst().allSatisfy { $0.headers["if-match"] == etag })
            #expect(requests.allSatisfy { $0.headers["x-ms-range"] != nil })
        }
    }

    @Test(arguments: ["drop", "reset"], 0..<3)
    func `CM-03 a connection that ends before the answer is made again`(
        how: String, part: Int
    ) async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.large)
            let fault = try await fixture.fault(.get, [how: true], skip: part)
            #expect(try await fixture.backend.get(uri) == Self.large)
            #expect(try await fixture.server.hits(fault) == 1)
        }
    }

    @Test(arguments: [0, 20_000])
    func `CM-03 a body that stands still is asked for again`(cut: Int) async throws {
        var settings = AzureFixture.Settings()
        settings.timeouts = AzureFixture.timeouts(.seconds(4))
        // On a loaded machine others may stand still for as long.
        settings.policy.maximumAttemptCount = 20
        try await AzureFixture.with(settings) { fixture in
            let uri = try await put(fixture, Self.small)
            let name = fixture.prefix
            _ = try await fixture.fault(
                .get, ["cutAfterBytes": .number(cut), "stallUntil": .text(name)])
            #expect(try await fixture.backend.get(uri) == Self.small)
            try await fixture.server.release(name)
        }
    }

    @Test func `CM-03 a body that always breaks off gives what came, then an error`()
        async throws
    {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.small)
            _ = try await fixture.fault(.get, ["cutAfterBytes": 10_000])
            _ = try await fixture.fault(.get, ["cutAfterBytes": 0], times: 100)
            let read = try await fixture.backend.read(uri)
            var content = 0
            let error = await expectError(.backendUnavailable) {
                while let chunk = try await read.source.next() {
                    #expect(
                        Self.small.dropFirst(content).prefix(chunk.bytes.count) == chunk.bytes)
                    content += chunk.bytes.count
                }
            }
            #expect(content == 10_000)
            #expect(error?.message.contains("tried 4 times") == true)
        }
    }

    @Test(
        arguments: [
            ["setHeaders": ["Content-Range": "bytes 1-39999/40000"]],
            ["setHeaders": ["Content-Range": "bytes 0-39999/39999"]],
            ["setHeaders": ["Content-Range": "nonsense"]], ["removeHeaders": ["Content-Range"]],
            ["removeHeaders": ["ETag"]],
        ] as [[String: JSONValue]])
    func `CM-02 CM-04 an answer that does not fit the question is an error`(
        _ fault: [String: JSONValue]
    ) async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.small)
            _ = try await fixture.fault(.get, fault, times: 100)
            await expectError(.backendUnavailable) { _ = try await fixture.backend.get(uri) }
        }
    }

    @Test func `CM-02 the whole blob is not taken for a range`() async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.small)
            _ = try await fixture.fault(
                .get, ["status": 200, "body": "whole", "headers": ["ETag": "\"0x1\""]], times: 9)
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(uri, range: .bounded(start: 1, end: 4))
            }
        }
    }

    @Test func `AZ-10 the last bytes are found by the size`() async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.small)
            #expect(
                try await fixture.backend.get(uri, range: .suffix(100))
                    == Self.small.dropFirst(39_900))
            #expect(
                try await fixture.requests(.get).map { $0.headers["x-ms-range"] }
                    == ["bytes=39900-39999"])
            #expect(try await fixture.requests(.head).count == 1)
        }
    }

    @Test(arguments: [false, true], [1, 2])
    func `CM-05 a blob that is replaced or deleted between parts is never mixed`(
        isDeleted: Bool, part: Int
    ) async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.large)
            let name = fixture.prefix
            _ = try await fixture.fault(.get, ["hold": .text(name)], times: 9, skip: part)
            let read = try await fixture.backend.read(uri)
            let result = Task { () -> (Int, BlobError?) in
                var seen = 0
                do throws(BlobError) {
                    while let chunk = try await read.source.next() {
                        #expect(
                            Self.large.dropFirst(seen).prefix(chunk.bytes.count) == chunk.bytes)
                        seen += chunk.bytes.count
                    }
                    return (seen, nil)
                } catch {
                    return (seen, error)
                }
            }
            try await fixture.server.waitHeld(name)
            if isDeleted {
                try await fixture.server.delete(fixture.key("blob"))
            } else {
                try await fixture.server.put(fixture.key("blob"), Self.large.dropFirst(1))
            }
            try await fixture.server.release(name)
            let (seen, error) = await result.value
            #expect(error?.code == .objectChanged)
            #expect(seen < Self.large.count)
        }
    }

    @Test func `AZ-15 an archived blob is a typed error, and can be looked at`() async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.small)
            try await fixture.server.call(
                "tier", ["key": .text(fixture.key("blob")), "tier": "Archive"])
            #expect(try await fixture.backend.head(uri).byteCount == 40_000)
            let error = await expectError(.unsupportedOperation) {
                _ = try await fixture.backend.get(uri)
            }
            #expect(error?.message.contains("restore it") == true)
            #expect(try await fixture.requests(.get).count == 1)
        }
    }

    @Test func `CM-14 a read that is cancelled ends its requests`() async throws {
        try await AzureFixture.with { fixture in
            let uri = try await put(fixture, Self.large)
            let name = fixture.prefix
            _ = try await fixture.fault(.get, ["hold": .text(name)], times: 9, skip: 1)
            let read = try await fixture.backend.read(uri)
            let rest = Task { while try await read.source.next() != nil {} }
            try await fixture.server.waitHeld(name)
            rest.cancel()
            await expectError(.cancelled) { try await rest.value }
            try await fixture.server.release(name)
        }
    }
}
