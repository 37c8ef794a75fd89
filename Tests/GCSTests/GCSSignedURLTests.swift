import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signed URLs in the hands of curl, which knows nothing of us.
@Suite(.timeLimit(.minutes(10))) struct GCSSignedURLTests {
    @Test func `a signed GET takes ranges and conditions`() async throws {
        try await GCSFixture.with { fixture in
            let body = SeededBody(seed: 3, byteCount: 300_000).bytes
            let result = try await fixture.backend.put(fixture.uri("blob"), body)
            let signed = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions())
            #expect(signed.method == "GET" && signed.headers.isEmpty)
            let whole = try await Curl.send(signed.url)
            #expect(whole.status == 200 && whole.body == body)
            #expect(whole.headers["etag"] == result.etag)
            let range = try await Curl.send(
                signed.url, headers: ["Range": "bytes=100000-199999"])
            #expect(range.status == 206)
            #expect(range.body == body.slice(100_000..<200_000))
            #expect(range.headers["content-range"] == "bytes 100000-199999/300000")
            let past = try await Curl.send(signed.url, headers: ["Range": "bytes=300000-"])
            #expect(past.status == 416)
            let other = try await Curl.send(signed.url, headers: ["If-Match": "\"other\""])
            #expect(other.status == 412)
            // W-78: there need not be a blob yet.
            let missing = try await fixture.backend.presignGet(
                fixture.uri("missing"), options: PresignOptions())
            #expect(try await Curl.send(missing.url).status == 404)
        }
    }

    @Test func `a signed PUT stores what curl sends`() async throws {
        try await GCSFixture.with { fixture in
            let url = try await fixture.backend.presignPut(
                fixture.uri("blob"), options: PresignOptions())
            #expect(url.method == "PUT" && url.headers.isEmpty)
            let body = SeededBody(seed: 4, byteCount: (2 << 20) + 1).bytes
            let answer = try await Curl.send(url.url, body: body)
            #expect(answer.status == 200)
            let (metadata, bytes) = try await fixture.backend.get(
                fixture.uri("blob"), options: GetOptions())
            #expect(bytes == body && metadata.etag == answer.headers["etag"])
        }
    }

    @Test func `a signed HEAD tells and a signed DELETE deletes, and neither does anything else`()
        async throws
    {
        try await GCSFixture.with { fixture in
            let uri = fixture.uri("blob")
            let result = try await fixture.backend.put(uri, Bytes(utf8: "hello"))
            let head = try await fixture.backend.presign(.head, uri, options: PresignOptions())
            let told = try await Curl.send(head.url, options: ["--head"])
            #expect(told.status == 200 && told.headers["etag"] == result.etag)
            #expect(told.headers["content-length"] == "5")
            for method in ["GET", "DELETE", "PUT"] {
                #expect(try await Curl.send(head.url, method: method).status == 403)
            }
            let delete = try await fixture.backend.presign(.delete, uri, options: PresignOptions())
            #expect(try await Curl.send(delete.url).status == 403)
            #expect(try await fixture.backend.head(uri).byteCount == 5)
            #expect(try await Curl.send(delete.url, method: "DELETE").status == 204)
            await expectError(.notFound) { _ = try await fixture.backend.head(uri) }
        }
    }

    @Test func `parts by curl, in parallel, completed with the tags that curl saw`()
        async throws
    {
        try await GCSFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions(contentType: "text/x-parts"))
            let urls = try await fixture.backend.presignUploadParts(
                upload, partNumbers: [1, 2, 3], options: PresignOptions())
            let bodies = [5 << 20, (5 << 20) + 1, 12_345].enumerated().map {
                SeededBody(seed: UInt64($0.offset) + 7, byteCount: $0.element).bytes
            }
            let tags = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for index in 0..<3 {
                    group.addTask {
                        // Nothing but a length: a plain PUT.
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
            let result = try await fixture.backend.completeMultipartUpload(
                upload, parts: parts, options: CompleteOptions())
            #expect(result.byteCount == UInt64(bodies.reduce(0) { $0 + $1.count }))
            let (metadata, bytes) = try await fixture.backend.get(
                fixture.uri("blob"), options: GetOptions())
            #expect(bytes == .joined(bodies))
            #expect(metadata.contentType == "text/x-parts" && metadata.etag == result.etag)
            // The URLs end with the upload.
            #expect(try await Curl.send(urls[0].url, body: bodies[2]).status == 404)
        }
    }

    @Test func `10,000 part URLs are all different, and a sample of them works`() async throws {
        try await GCSFixture.with { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let urls = try await fixture.backend.presignUploadParts(
                upload, partNumbers: Array(1...10_000), options: PresignOptions())
            #expect(Set(urls.map(\.url)).count == 10_000)
            #expect(Set(urls.map(\.expiresAt)).count == 1)
            for number: Int in [1, 9, 10, 4321, 10_000] {
                let answer = try await Curl.send(
                    urls[number - 1].url, body: Bytes(utf8: "part \(number)"))
                #expect(answer.status == 200)
            }
            let page = try await fixture.backend.listParts(
                upload, afterPartNumber: 9, options: CallOptions())
            #expect(page.parts.map(\.partNumber) == [10, 4321, 10_000])
            // A signature is of its part alone.
            let swapped = urls[0].url.replacing("partNumber=1&", with: "partNumber=2&")
            #expect(swapped != urls[0].url)
            #expect(try await Curl.send(swapped, body: Bytes(utf8: "x")).status == 403)
            try await fixture.backend.abortMultipartUpload(upload, options: CallOptions())
            #expect(try await fixture.openUploads().isEmpty)
        }
    }

    @Test func `a URL of one second is refused when it is over`() async throws {
        try await GCSFixture.with { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 1))
            let end = try #require(url.expiresAt)
            #expect(end.milliseconds % 1000 == 0)
            // The server is asked until it refuses; the suite's time limit bounds that.
            var answer = try await Curl.send(url.url)
            while answer.status == 200 { answer = try await Curl.send(url.url) }
            #expect(answer.status == 400)
            #expect(WallClock.system.now() > end)
        }
    }

    @Test func `a URL that was changed is refused`() async throws {
        try await GCSFixture.with { fixture in
            for key in ["blob", "bloc"] {
                try await fixture.backend.put(fixture.uri(key), Bytes(utf8: "secret"))
            }
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 600)
            ).url
            #expect(try await Curl.send(url).status == 200)
            let signature = try #require(url.split(separator: "X-Goog-Signature=").last)
            let other = (signature.first == "0" ? "1" : "0") + signature.dropFirst()
            for changed in [
                url.replacing("/blob?", with: "/bloc?"),
                url.replacing("X-Goog-Expires=600", with: "X-Goog-Expires=601"),
                url.replacing(signature, with: other), url + "&generation=1",
                url + "&response-content-type=text%2Fhtml",
                url.replacing("&X-Goog-Signature=\(signature)", with: ""),
            ] {
                #expect(changed != url)
                let answer = try await Curl.send(changed)
                #expect((400..<404).contains(answer.status), "\(answer.status)")
                #expect(answer.body != Bytes(utf8: "secret"))
            }
            #expect(try await Curl.send(url, body: Bytes(utf8: "y")).status == 403)
            #expect(try await Curl.send(url, method: "DELETE").status == 403)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "secret"))
        }
    }

    @Test func `GC-06 what IAM signs ends after twelve hours, and the answer says so`()
        async throws
    {
        let server = try await CloudTestServer.shared(.gcs)
        let identity = try await server.googleIdentity()
        try await server.call(
            "setIdentity",
            ["name": .text(identity.name), "mayActAs": [.text(identity.name)]])
        var settings = GCSFixture.Settings()
        settings.environment.variables["GCE_METADATA_HOST"] = identity.metadataHost
        settings.configure = { $0.identity = .applicationDefault(file: nil) }
        try await GCSFixture.with(settings) { fixture in
            let uri = fixture.uri("blob")
            try await fixture.backend.put(uri, Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                uri, options: PresignOptions(validSeconds: PresignOptions.maximumSeconds))
            let remaining =
                try #require(url.expiresAt).milliseconds - WallClock.system.now().milliseconds
            #expect((43_000_000...43_200_000).contains(remaining))
            #expect(try await Curl.send(url.url).status == 200)
            // One request a URL: not too many at once.
            let upload = try await fixture.backend.createMultipartUpload(
                uri, options: MultipartOptions())
            let error = await expectError(.invalidArgument) {
                _ = try await fixture.backend.presignUploadParts(
                    upload, partNumbers: Array(1...1001), options: PresignOptions())
            }
            #expect(error?.message.contains("at most 1000 at once") == true)
            #expect(
                try await server.requests("signBlob").count { $0.target.contains(identity.email) }
                    == 1)
            let urls = try await fixture.backend.presignUploadParts(
                upload, partNumbers: Array(1...40), options: PresignOptions())
            #expect(Set(urls.map(\.url)).count == 40)
            #expect(try await Curl.send(urls[39].url, body: Bytes(utf8: "x")).status == 200)
        }
    }

    @Test func `GC-06 who cannot sign is told what to do`() async throws {
        let server = try await CloudTestServer.shared(.gcs)
        let identity = try await server.googleIdentity()
        var settings = GCSFixture.Settings()
        settings.identity = identity
        settings.file = "authorizedUser"
        try await GCSFixture.with(settings) { fixture in
            let error = await expectError(.presign) {
                _ = try await fixture.backend.presignGet(
                    fixture.uri("blob"), options: PresignOptions())
            }
            #expect(error?.message.contains("cannot sign URLs") == true)
            #expect(error?.uri == fixture.uri("blob").description)
        }
        try await server.call(
            "setIdentity",
            ["name": .text(identity.name), "mayActAs": [.text(identity.name)]])
        settings.configure = { $0.signingAccount = identity.email }
        try await GCSFixture.with(settings) { fixture in
            try await fixture.backend.put(fixture.uri("blob"), Bytes(utf8: "x"))
            let url = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions())
            #expect(try await Curl.send(url.url).status == 200)
        }
    }

    /// Nothing would answer here, and there are no keys.
    @Test func `CM-16 a wrong validity is refused before anything else`() async throws {
        let units = GCSUnits()
        defer { units.end() }
        let backend = try units.backend { $0.identity = .applicationDefault(file: "/nonexistent") }
        let uri = BlobURI(scheme: .gs, container: "bucket", key: "k")
        for seconds: UInt32 in [0, 604_801] {
            let error = await expectError(.presign) {
                _ = try await backend.presignGet(
                    uri, options: PresignOptions(validSeconds: seconds))
            }
            #expect(error?.message.contains("1 second to 7 days") == true)
        }
        await backend.close()
    }
}
