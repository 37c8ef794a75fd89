import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Names, on the wire, in signatures and in lists (GC-01, GC-10).
@Suite(.timeLimit(.minutes(10))) struct GCSKeyTests {
    static let keys = [
        "plain", "a b", "a+b", "a%2Fb", "é😀", "a//b", "/lead", "trail/", "*'()!", "=&?#", ":@$,;",
        "~-._", "%", "[]{}|\\^`\"<>", "tab\tand\u{1}", "&amp;", "dot/./x", "dots/../x",
        String(repeating: "k", count: 900), "upload_id=1", "e\u{301}", "\u{FEFF}mark",
    ]

    @Test(arguments: keys)
    func `GC-01 every key is written, read, listed, copied and deleted`(
        _ key: String
    ) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri(key)
            let body = Bytes(utf8: "body of \(key)")
            try await fixture.backend.put(uri, body)
            #expect(try await fixture.backend.get(uri) == body)
            #expect(try await fixture.server.get(uri.key) == body)
            let page = try await fixture.backend.list(fixture.uri(""), options: ListOptions())
            #expect(page.entries.map(\.uri) == [uri])
            let copy = fixture.uri("copy of \(key)")
            _ = try await fixture.backend.copy(from: uri, to: copy, options: CopyOptions())
            #expect(try await fixture.backend.get(copy) == body)
            #expect(try await fixture.backend.delete(uri).existed == true)
            #expect(try await fixture.keys() == ["copy of \(key)"])
        }
    }

    @Test(arguments: keys.filter { !$0.contains("/.") })
    func `GC-01 signed URLs, used by curl`(_ key: String) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri(key)
            let body = Bytes(utf8: "body of \(key)")
            let put = try await fixture.backend.presignPut(uri, options: PresignOptions())
            #expect(try await Curl.send(put.url, body: body).status == 200)
            let get = try await fixture.backend.presignGet(uri, options: PresignOptions())
            let answer = try await Curl.send(get.url)
            #expect(answer.status == 200 && answer.body == body)
        }
    }

    /// S3-03: what HTTP clients would rewrite is not signed, but can be read and written here.
    @Test(arguments: ["dot/./x", "dots/../x", "..", "end/..", "."])
    func `S3-03 dots between slashes are not signed`(_ key: String) async throws {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri(key)
            await expectError(.presign) {
                _ = try await fixture.backend.presignGet(uri, options: PresignOptions())
            }
            await expectError(.presign) {
                _ = try await fixture.backend.presignPut(uri, options: PresignOptions())
            }
            let upload = try await fixture.backend.createMultipartUpload(
                uri, options: MultipartOptions())
            await expectError(.presign) {
                _ = try await fixture.backend.presignUploadParts(
                    upload, partNumbers: [1], options: PresignOptions())
            }
            try await fixture.backend.put(uri, Bytes(utf8: key))
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: key))
        }
    }

    @Test(arguments: [".", "..", "line\nfeed", "carriage\rreturn"])
    func `names that Google does not have are refused before anything is sent`(
        _ key: String
    ) async throws {
        let units = GCSUnits()
        defer { units.end() }
        let backend = try units.backend()
        let uri = BlobURI(scheme: .gs, container: "bucket", key: key)
        await expectError(.invalidURI) { _ = try await backend.head(uri) }
        await expectError(.invalidURI) { _ = try await backend.put(uri, Bytes(utf8: "x")) }
        await backend.close()
    }

    @Test(arguments: ["bucket.with.dots", "under_score", "a-b_c.d", "123", "example.com"])
    func `GC-10 every bucket is in the path, whatever its name`(_ name: String) async throws {
        try await GCSFixture.with { fixture in
            try await fixture.server.call("makeBucket", ["name": .text(name)])
            let uri = BlobURI(scheme: .gs, container: name, key: "\(fixture.prefix)/k")
            try await fixture.backend.put(uri, Bytes(utf8: name))
            #expect(try await fixture.server.get(uri.key, bucket: name) == Bytes(utf8: name))
            let url = try await fixture.backend.presignGet(uri, options: PresignOptions())
            #expect(url.url.hasPrefix("\(fixture.server.description.endpoint)/\(name)/"))
            #expect(try await Curl.send(url.url).body == Bytes(utf8: name))
            let copy = fixture.uri("copy")
            _ = try await fixture.backend.copy(from: uri, to: copy, options: CopyOptions())
            #expect(try await fixture.backend.get(copy) == Bytes(utf8: name))
        }
    }

    @Test(arguments: ["ab", "Upper", "sp ace", "a/b", "..", "ü-ü", "a?b", "evil@host"])
    func `GC-10 what cannot be a bucket is none`(_ name: String) async throws {
        let uri = BlobURI(scheme: .gs, container: name, key: "k")
        #expect(throws: BlobError.self) { _ = try GCSEndpoint.encodedPath(uri) }
    }

    @Test func `GC-01 Google's own endpoint is signed in the path`() async throws {
        let server = try await CloudTestServer.shared(.gcs)
        let google = try #require(server.description.google)
        let units = GCSUnits()
        defer { units.end() }
        let backend = try units.backend {
            $0.endpoint = nil
            $0.identity = .applicationDefault(file: google.admin.files["serviceAccount"])
        }
        let uri = BlobURI(scheme: .gs, container: "my.bucket", key: "a b/c+d")
        let url = try await backend.presignGet(uri, options: PresignOptions()).url
        #expect(url.hasPrefix("https://storage.googleapis.com/my.bucket/a%20b/c%2Bd?X-Goog-"))
        await backend.close()
    }
}
