import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Signed URLs in the hands of curl, which knows nothing of us; signed with the account's key and with
/// a key of a user.
@Suite(.timeLimit(.minutes(10))) struct AzureSignedURLTests {
    /// What curl needs to trust the oracle's certificate.
    private func trusting(_ fixture: AzureFixture) -> [String] {
        ["--path-as-is", "--cacert", fixture.server.description.certificateAuthorityFile]
    }

    private func send(
        _ fixture: AzureFixture, _ url: PresignedURL, headers: [String: String] = [:],
        body: Bytes? = nil
    ) async throws -> Curl.Answer {
        try await Curl.send(
            url.url, method: url.method == "HEAD" ? nil : url.method,
            headers: url.headers.merging(headers) { $1 }, body: body,
            options: trusting(fixture) + (url.method == "HEAD" ? ["--head"] : []))
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `AZ-04 a signed GET takes ranges and conditions`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let body = SeededBody(seed: 3, byteCount: 300_000).bytes
            let result = try await fixture.backend.put(fixture.uri("a b"), body)
            let url = try await fixture.backend.presignGet(
                fixture.uri("a b"), options: PresignOptions())
            #expect(url.headers.isEmpty)
            #expect(url.url.contains("&sp=r&") && url.url.contains("sv=2023-11-03"))
            #expect(url.url.contains("&spr=https&") == (identity == .token))
            let whole = try await send(fixture, url)
            #expect(whole.status == 200)
            #expect(whole.body == body)
            #expect(whole.headers["etag"] == result.etag)
            let range = try await send(fixture, url, headers: ["Range": "bytes=100000-199999"])
            #expect(range.status == 206)
            #expect(range.body == body.dropFirst(100_000).prefix(100_000))
            #expect(range.headers["content-range"] == "bytes 100000-199999/300000")
            #expect(
                try await send(fixture, url, headers: ["Range": "bytes=300000-"]).status == 416)
            #expect(
                try await send(fixture, url, headers: ["If-Match": "\"other\""]).status == 412)
            // W-78: there need not be a blob yet.
            let missing = try await fixture.backend.presignGet(
                fixture.uri("missing"), options: PresignOptions())
            #expect(try await send(fixture, missing).status == 404)
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `a signed PUT stores what curl sends, with the field that it is told to send`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let url = try await fixture.backend.presignPut(
                fixture.uri("blob"), options: PresignOptions())
            #expect(url.method == "PUT")
            #expect(url.headers == ["x-ms-blob-type": "BlockBlob"])
            // Larger than what curl sends without asking first.
            let body = SeededBody(seed: 4, byteCount: (2 << 20) + 1).bytes
            let bare = try await Curl.send(url.url, body: body, options: trusting(fixture))
            #expect(bare.status == 400)
            let answer = try await send(fixture, url, body: body)
            #expect(answer.status == 201)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == body)
            // And over it.
            #expect(try await send(fixture, url, body: Bytes(utf8: "x")).status == 201)
            #expect(try await fixture.backend.get(fixture.uri("blob")) == Bytes(utf8: "x"))
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `AZ-04 a signed HEAD tells and a signed DELETE deletes, and neither does more`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let uri = fixture.uri("blob")
            let result = try await fixture.backend.put(uri, Bytes(utf8: "hello"))
            let head = try await fixture.backend.presign(.head, uri, options: PresignOptions())
            #expect(head.method == "HEAD")
            let told = try await send(fixture, head)
            #expect(told.status == 200)
            #expect(told.headers["etag"] == result.etag)
            #expect(told.headers["content-length"] == "5")
            let delete = try await fixture.backend.presign(.delete, uri, options: PresignOptions())
            #expect(delete.url.contains("&sp=d&"))
            for (url, method, body) in [
                (head, "DELETE", nil), (head, "PUT", Bytes(utf8: "y")), (delete, "GET", nil),
                (delete, "PUT", Bytes(utf8: "y")),
            ] as [(PresignedURL, String, Bytes?)] {
                let answer = try await Curl.send(
                    url.url, method: method, headers: ["x-ms-blob-type": "BlockBlob"], body: body,
                    options: trusting(fixture))
                #expect(answer.status == 403, "\(method)")
            }
            #expect(try await fixture.backend.get(uri) == Bytes(utf8: "hello"))
            #expect(try await send(fixture, delete).status == 202)
            await expectError(.notFound) { _ = try await fixture.backend.head(uri) }
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `parts by curl, in parallel, completed without any tag`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("a/ü b"), options: MultipartOptions(contentType: "text/x-parts"))
            let urls = try await fixture.backend.presignUploadParts(
                upload, partNumbers: [1, 2, 10], options: PresignOptions())
            let bodies = [5 << 20, 100_000, 12_345].enumerated().map {
                SeededBody(seed: UInt64($0.offset) + 7, byteCount: $0.element).bytes
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<3 {
                    group.addTask {
                        // Nothing but a length: a plain PUT.
                        #expect(urls[index].headers.isEmpty)
                        let answer = try await send(fixture, urls[index], body: bodies[index])
                        #expect(answer.status == 201)
                        #expect(answer.headers["etag"] == nil)
                    }
                }
                try await group.waitForAll()
            }
            let parts = [1, 2, 10].map { UploadedPart(partNumber: $0) }
            let result = try await fixture.backend.completeMultipartUpload(
                upload, parts: parts, options: CompleteOptions())
            #expect(result.byteCount == UInt64(bodies.reduce(0) { $0 + $1.count }))
            #expect(try await fixture.backend.get(fixture.uri("a/ü b")) == Bytes.joined(bodies))
            let metadata = try await fixture.backend.head(fixture.uri("a/ü b"))
            #expect(metadata.contentType == "text/x-parts")
            #expect(metadata.etag == result.etag)
        }
    }

    @Test(arguments: AzureFixture.Identity.allCases)
    func `AZ-05 AZ-13 10,000 part URLs are all different, of one signature, and work`(
        _ identity: AzureFixture.Identity
    ) async throws {
        try await AzureFixture.with(identity) { fixture in
            let upload = try await fixture.backend.createMultipartUpload(
                fixture.uri("blob"), options: MultipartOptions())
            let numbers = Array(UInt32(1)...10_000)
            let urls = try await fixture.backend.presignUploadParts(
                upload, partNumbers: numbers, options: PresignOptions())
            #expect(Set(urls.map(\.url)).count == 10_000)
            #expect(Set(urls.map(\.expiresAt)).count == 1)
            for number: Int in [1, 9, 10, 4321, 9999, 10_000] {
                let answer = try await send(
                    fixture, urls[number - 1], body: Bytes(utf8: "part \(number)"))
                #expect(answer.status == 201)
            }
            let page = try await fixture.backend.listParts(
                upload, afterPartNumber: 0, options: CallOptions())
            #expect(page.parts.map(\.partNumber) == [1, 9, 10, 4321, 9999, 10_000])
            // The signature is of the blob: whoever has it may write it, until it ends.
            let blob = try #require(urls[0].url.split(separator: "&comp=").first)
            let answer = try await Curl.send(
                String(blob), headers: ["x-ms-blob-type": "BlockBlob"], body: Bytes(utf8: "x"),
                options: trusting(fixture))
            #expect(answer.status == 201)
        }
    }

    @Test func `AZ-13 one delegation key serves many URLs`() async throws {
        try await AzureFixture.with(.token) { fixture in
            let pattern = "^POST .*comp=userdelegationkey"
            let before = try await fixture.server.requests(pattern).count
            // More than all other tests, which may fetch theirs meanwhile, can need.
            let count = 1000
            for _ in 0..<count {
                _ = try await fixture.backend.presignGet(
                    fixture.uri("blob"), options: PresignOptions())
            }
            let after = try await fixture.server.requests(pattern).count
            #expect(after > before && after < before + count)
            let week = try await fixture.backend.presignGet(
                fixture.uri("blob"), options: PresignOptions(validSeconds: 604_800))
            let remaining =
                try #require(week.expiresAt).milliseconds - WallClock.system.now().milliseconds
            #expect(remaining > 6 * 86_400_000 && remaining <= 7 * 86_400_000)
        }
    }
}
