import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Blobs that somebody stored packed: we give what is stored (GC-02, GC-03).
@Suite(.timeLimit(.minutes(10))) struct GCSGzipTests {
    /// By `gzip`, of 5000 letters x.
    private func packed() async throws -> (plain: Bytes, packed: Bytes) {
        let directory = try TemporaryDirectory()
        let plain = Bytes([UInt8](repeating: 0x78, count: 5000))
        try directory.write(String(repeating: "x", count: 5000), to: "plain")
        let outcome = try await Program.run(["/usr/bin/gzip", "-nc", "\(directory.path)/plain"])
        try #require(outcome.status == 0 && outcome.output.count > 0)
        return (plain, outcome.output)
    }

    private func with(
        _ body: (GCSFixture, _ plain: Bytes, _ packed: Bytes) async throws -> Void
    ) async throws {
        let (plain, packed) = try await packed()
        try await GCSFixture.with { fixture in
            try await fixture.server.put(
                "\(fixture.prefix)/blob", packed, contentEncoding: "gzip")
            try await body(fixture, plain, packed)
        }
    }

    @Test func `GC-02 what is stored packed is read packed, whole and in ranges`() async throws {
        try await with { fixture, _, packed in
            let uri = fixture.uri("blob")
            let (metadata, bytes) = try await fixture.backend.get(uri, options: GetOptions())
            #expect(bytes == packed)
            #expect(metadata.byteCount == UInt64(packed.count))
            #expect(try await fixture.backend.head(uri).byteCount == UInt64(packed.count))
            let range = ByteRange.bounded(start: 3, end: 9)
            #expect(try await fixture.backend.get(uri, range: range) == packed.slice(3..<9))
            #expect(
                try await fixture.backend.get(uri, range: .suffix(4))
                    == packed.dropFirst(packed.count - 4))
            for kind in [GCSRequest.get, .head] {
                let requests = try await fixture.requests(kind)
                #expect(requests.allSatisfy { $0.headers["accept-encoding"] == "gzip" })
            }
        }
    }

    @Test func `GC-04 the checksum of packed bytes is compared`() async throws {
        try await with { fixture, _, _ in
            _ = try await fixture.fault(.get, ["corruptByteAt": 12])
            await expectError(.dataLoss) {
                _ = try await fixture.backend.get(fixture.uri("blob"))
            }
        }
    }

    @Test func `GC-02 an answer that was unpacked on the way is not taken for a range`()
        async throws
    {
        try await with { fixture, _, packed in
            // Whatever stands between forgets what we said.
            let plain = String(repeating: "x", count: 5000)
            _ = try await fixture.fault(
                .get, ["status": 200, "body": .text(plain), "headers": ["ETag": "\"e\""]])
            await expectError(.backendUnavailable) {
                _ = try await fixture.backend.get(
                    fixture.uri("blob"), range: .bounded(start: 0, end: 9))
            }
            #expect(try await fixture.backend.get(fixture.uri("blob")) == packed)
        }
    }

    /// GC-04: its checksum is of the packed bytes.
    @Test func `an unpacked answer has no checksum of its own`() throws {
        var headers = HTTPHeaders()
        headers.append("x-goog-hash", "crc32c=AAAAAA==,md5=xxx")
        headers.append("x-goog-stored-content-encoding", "gzip")
        let pool = GCSUnits()
        let dialect = try pool.dialect()
        #expect(try dialect.readCheck(headers) == nil)
        headers.append("content-encoding", "gzip")
        #expect(try dialect.readCheck(headers) != nil)
        pool.end()
    }

    @Test func `GC-03 a signed URL gives packed bytes to those who ask for them`() async throws {
        try await with { fixture, plain, packed in
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions()
            ).url
            #expect(try await Curl.send(url).body == plain)
            let answer = try await Curl.send(url, headers: ["Accept-Encoding": "gzip"])
            #expect(answer.body == packed)
            #expect(answer.headers["content-encoding"] == "gzip")
        }
    }

    @Test func `GC-03 nothing that we write says that it is packed`() async throws {
        let (_, packed) = try await packed()
        try await GCSFixture.with { fixture in
            for operation in [GCSOperation.put, .putParts, .putInOrder] {
                try await operation.run(fixture)
                #expect(try await fixture.head("new")?.contentEncoding == nil)
                try await fixture.server.delete(fixture.uri("new").key)
            }
            try await fixture.backend.put(fixture.uri("blob"), packed)
            #expect(try await fixture.server.get(fixture.uri("blob").key) == packed)
            let requests = try await fixture.server.requests(fixture.prefix)
            let written = requests.filter { $0.target.hasPrefix("/blobs/") }
            #expect(written.allSatisfy { $0.headers["content-encoding"] == nil })
        }
    }
}
