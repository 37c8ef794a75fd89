import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signed URLs in the hands of curl, which knows nothing of us: signed by the backend here, and by a
/// server for a client that has no credentials.
@Suite(.timeLimit(.minutes(10))) struct S3SignedURLTests {
    @Test(arguments: S3TestServer.Kind.allCases, S3Route.allCases)
    func `a signed GET takes ranges and conditions`(
        _ kind: S3TestServer.Kind, _ route: S3Route
    ) async throws {
        try await S3Fixture.with(kind, route) { fixture in
            let body = SeededBody(seed: 3, byteCount: 300_000).bytes
            let result = try await fixture.store.put(fixture.uri("blob"), body)
            let url = try await fixture.store.presignGet(
                fixture.uri("blob"), options: PresignOptions()
            ).url
            let whole = try await Curl.send(url)
            #expect(whole.status == 200)
            #expect(whole.body == body)
            #expect(whole.headers["etag"] == result.etag)
            let range = try await Curl.send(url, headers: ["Range": "bytes=100000-199999"])
            #expect(range.status == 206)
            #expect(range.body == body.dropFirst(100_000).prefix(100_000))
            #expect(range.headers["content-range"] == "bytes 100000-199999/300000")
            let last = try await Curl.send(url, headers: ["Range": "bytes=-10"])
            #expect(last.body == body.dropFirst(299_990))
            let past = try await Curl.send(url, headers: ["Range": "bytes=300000-"])
            #expect(past.status == 416)
            let other = try await Curl.send(url, headers: ["If-Match": "\"other\""])
            #expect(other.status == 412)
            // W-78: there need not be a blob yet.
            let missing = try await fixture.store.presignGet(
                fixture.uri("missing"), options: PresignOptions())
            #expect(try await Curl.send(missing.url).status == 404)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases, S3Route.allCases)
    func `a signed PUT stores what curl sends`(
        _ kind: S3TestServer.Kind, _ route: S3Route
    ) async throws {
        try await S3Fixture.with(kind, route) { fixture in
            let url = try await fixture.store.presignPut(
                fixture.uri("blob"), options: PresignOptions())
            #expect(url.method == "PUT")
            #expect(url.headers.isEmpty)
            // Larger than what curl sends without asking first.
            let body = SeededBody(seed: 4, byteCount: (2 << 20) + 1).bytes
            let answer = try await Curl.send(url.url, body: body)
            #expect(answer.status == 200)
            #expect(try await fixture.store.get(fixture.uri("blob")) == body)
            #expect(
                try await fixture.store.head(fixture.uri("blob")).etag == answer.headers["etag"])
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases, S3Route.allCases)
    func `a signed HEAD tells and a signed DELETE deletes, and neither does anything else`(
        _ kind: S3TestServer.Kind, _ route: S3Route
    ) async throws {
        try await S3Fixture.with(kind, route) { fixture in
            let uri = fixture.uri("blob")
            let result = try await fixture.store.put(uri, Bytes(utf8: "hello"))
            let head = try await fixture.store.presign(.head, uri, options: PresignOptions())
            #expect(head.method == "HEAD")
            let told = try await Curl.send(head.url, options: ["--head"])
            #expect(told.status == 200)
            #expect(told.headers["etag"] == result.etag)
            #expect(told.headers["content-length"] == "5")
            for method in ["GET", "DELETE"] {
                #expect(try await Curl.send(head.url, method: method).status == 403)
            }
            let delete = try await fixture.store.presign(.delete, uri, options: PresignOptions())
            #expect(delete.method == "DELETE")
            #expect(try await Curl.send(delete.url).status == 403)
            #expect(try await fixture.store.head(uri).byteCount == 5)
            #expect(try await Curl.send(delete.url, method: "DELETE").status == 204)
            let missing = await #expect(throws: BlobError.self) {
                try await fixture.store.head(uri)
            }
            #expect(missing?.code == .notFound)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases, S3Route.allCases)
    func `parts by curl, in parallel, completed with the tags that curl saw`(
        _ kind: S3TestServer.Kind, _ route: S3Route
    ) async throws {
        try await S3Fixture.with(kind, route) { fixture in
            let upload = try await fixture.store.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions(contentType: "text/x-parts"))
            let urls = try await fixture.store.presignUploadParts(
                upload, partNumbers: [1, 2, 3], options: PresignOptions())
            let bodies = [5 << 20, (5 << 20) + 1, 12_345].enumerated().map {
                SeededBody(seed: UInt64($0.offset) + 7, byteCount: $0.element).bytes
            }
            let tags = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for index in 0..<3 {
                    group.addTask {
                        // Nothing but a length: a plain PUT (S3-20).
                        #expect(urls[index].headers.isEmpty)
                        let answer = try await Curl.send(urls[index].url, body: bodies[index])
                        #expect(answer.status == 200)
                        return (index, try #require(answer.headers["etag"]))
                    }
                }
                var tags = ["", "", ""]
                for try await (index, tag) in group { tags[index] = tag }
                return tags
            }
            // S3-13: also when its caller has lost the quotation marks.
            let parts = (0..<3).map {
                UploadedPart(
                    partNumber: UInt32($0) + 1,
                    etag: $0 == 1 ? tags[$0].filter { $0 != "\"" } : tags[$0])
            }
            let result = try await fixture.store.completeMultipartUpload(
                upload, parts: parts, options: CompleteOptions())
            #expect(result.byteCount == UInt64(bodies.reduce(0) { $0 + $1.count }))
            var expected = BytesBuilder()
            for body in bodies { expected.append(body) }
            #expect(try await fixture.store.get(fixture.uri("blob")) == expected.freeze())
            let metadata = try await fixture.store.head(fixture.uri("blob"))
            #expect(metadata.contentType == "text/x-parts")
            #expect(metadata.etag == result.etag)
            // The URLs end with the upload.
            #expect(try await Curl.send(urls[0].url, body: bodies[2]).status == 404)
        }
    }

    @Test(arguments: S3TestServer.Kind.allCases, S3Route.allCases)
    func `10,000 part URLs are all different, and a sample of them works`(
        _ kind: S3TestServer.Kind, _ route: S3Route
    ) async throws {
        try await S3Fixture.with(kind, route) { fixture in
            let upload = try await fixture.store.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let numbers = Array(UInt32(1)...10_000)
            let urls = try await fixture.store.presignUploadParts(
                upload, partNumbers: numbers, options: PresignOptions())
            #expect(Set(urls.map(\.url)).count == 10_000)
            #expect(Set(urls.map(\.expiresAt)).count == 1)
            for number: Int in [1, 9, 10, 4321, 9999, 10_000] {
                let answer = try await Curl.send(
                    urls[number - 1].url, body: Bytes(utf8: "part \(number)"))
                #expect(answer.status == 200)
            }
            let page = try await fixture.store.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.map(\.partNumber) == [1, 9, 10, 4321, 9999, 10_000])
            // A signature is of its part alone.
            let swapped = urls[0].url.replacing("partNumber=1&", with: "partNumber=2&")
            #expect(swapped != urls[0].url)
            #expect(try await Curl.send(swapped, body: Bytes(utf8: "x")).status == 403)
            try await fixture.store.abortMultipartUpload(upload, options: CallOptions())
            #expect(try await fixture.openUploadCount() == 0)
        }
    }
}
