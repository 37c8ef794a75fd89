import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Listings that are well-formed and make no sense (CM-11).
@Suite(.timeLimit(.minutes(10))) struct WeatherListingTests {
    private static let date = "<LastModified>2026-01-02T03:04:05.000Z</LastModified>"

    private func page(_ inner: String, options: ListOptions = ListOptions()) async throws
        -> ListPage
    {
        let page = Deferred<ListPage>()
        try await withWeather { _, _ in
            ScriptedResponse(text: "<ListBucketResult>\(inner)</ListBucketResult>")
        } body: { weather in
            page.set(try await weather.backend.list(weather.uri(""), options: options))
        }
        return try #require(page.value)
    }

    @Test(
        arguments: [
            "<Contents><Size>1</Size>\(date)</Contents>",
            "<Contents><Key>a</Key>\(date)</Contents>",
            "<Contents><Key>a</Key><Size>1</Size></Contents>", "<Contents/>", "<CommonPrefixes/>",
            "<Contents><Key>a</Key><Size>-1</Size>\(date)</Contents>",
            "<Contents><Key>a</Key><Size>18446744073709551615</Size>\(date)</Contents>",
            "<Contents><Key>a</Key><Size>1e3</Size>\(date)</Contents>",
            "<Contents><Key>a</Key><Size> </Size>\(date)</Contents>",
            "<Contents><Key>a</Key><Size>1</Size><LastModified>now</LastModified></Contents>",
            "<Contents><Key>a</Key><Size>1</Size><LastModified>9999999999-01-01T00:00:00Z"
                + "</LastModified></Contents>",
            "<EncodingType>url</EncodingType><Contents><Key>%zz</Key><Size>1</Size>\(date)</Contents>",
            "<EncodingType>url</EncodingType><Contents><Key>%</Key><Size>1</Size>\(date)</Contents>",
            "<EncodingType>url</EncodingType><CommonPrefixes><Prefix>%ff%fe</Prefix></CommonPrefixes>",
            "<IsTruncated>true</IsTruncated>",
            "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
        ])
    func `a listing that lacks something is an error`(inner: String) async throws {
        await expectError(.backendUnavailable) { _ = try await page(inner) }
    }

    @Test func `what no listing needs may be missing`() async throws {
        #expect(try await page("").entries.isEmpty)
        let page = try await page("<Contents><Key/><Size>0</Size>\(Self.date)</Contents>")
        #expect(page.entries.map(\.etag) == [""])
        #expect(page.nextPageToken == nil)
    }

    @Test func `a token is the service's affair, also one that comes again`() async throws {
        let inner =
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t &amp; t</NextContinuationToken>"
        for token in [nil, "t & t"] {
            var options = ListOptions()
            options.pageToken = token
            #expect(try await page(inner, options: options).nextPageToken == "t & t")
        }
    }

    @Test func `parts without a number are an error, parts without a tag are told`() async throws {
        for (inner, isRight) in [
            ("<Part><PartNumber>1</PartNumber></Part>", true), ("<Part/>", false),
            ("<Part><PartNumber>-1</PartNumber></Part>", false),
            ("<Part><PartNumber>4294967296</PartNumber></Part>", false),
        ] {
            try await withWeather { request, calm in
                guard request.summary == "GET upload" else { return calm() }
                return ScriptedResponse(text: "<ListPartsResult>\(inner)</ListPartsResult>")
            } body: { weather in
                let upload = try await weather.backend.createMultipartUpload(
                    weather.uri(), options: MultipartOptions())
                do throws(BlobError) {
                    let page = try await weather.backend.listParts(
                        upload, afterPartNumber: 0, options: CallOptions())
                    #expect(isRight)
                    #expect(page.parts.map(\.etag) == [nil])
                } catch {
                    #expect(!isRight)
                    #expect(error.code == .backendUnavailable)
                }
            }
        }
    }

    @Test func `S3-15 a part that was sent twice is listed once, as it was last`() async throws {
        func part(_ number: Int, _ etag: String, second: Int) -> String {
            "<Part><PartNumber>\(number)</PartNumber><ETag>\(etag)</ETag><Size>5</Size>"
                + "<LastModified>2026-01-01T00:00:0\(second).000Z</LastModified></Part>"
        }
        let inner =
            part(2, "old", second: 1) + part(2, "new", second: 2) + part(7, "late", second: 5)
            + part(7, "early", second: 4) + part(1, "before", second: 1)
        try await withWeather { request, calm in
            guard request.summary == "GET upload" else { return calm() }
            return ScriptedResponse(text: "<ListPartsResult>\(inner)</ListPartsResult>")
        } body: { weather in
            let upload = try await weather.backend.createMultipartUpload(
                weather.uri(), options: MultipartOptions())
            let page = try await weather.backend.listParts(
                upload, afterPartNumber: 1, options: CallOptions())
            #expect(page.parts.map(\.partNumber) == [2, 7])
            #expect(page.parts.map(\.etag) == ["\"new\"", "\"late\""])
        }
    }

    @Test(arguments: ["", "<UploadId/>", "<UploadID>u</UploadID>"])
    func `an upload without a name is an error`(inner: String) async throws {
        try await withWeather { _, _ in
            ScriptedResponse(
                text: "<InitiateMultipartUploadResult>\(inner)</InitiateMultipartUploadResult>")
        } body: { weather in
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.createMultipartUpload(
                    weather.uri(), options: MultipartOptions())
            }
        }
    }

    @Test func `a write without an entity tag is an error`() async throws {
        for operation in [WeatherOperation.put, .putParts, .copy] {
            try await withWeather { request, calm in
                switch request.summary {
                case "PUT", "PUT part": ScriptedResponse(text: "<CopyObjectResult/>")
                default: calm()
                }
            } body: { weather in
                operation.prepare(weather)
                await expectError(.backendUnavailable) { try await operation.run(weather) }
                await weather.backend.store.background.finish()
                #expect(weather.bucket.openUploads.isEmpty)
            }
        }
    }

    @Test func `what a deletion does not mention is not known to be gone`() async throws {
        try await withWeather { _, _ in
            ScriptedResponse(
                text: "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
                    + "<Code>AccessDenied</Code></Error><Error/></DeleteResult>")
        } body: { weather in
            let outcomes = try await weather.backend.delete(
                ["a", "b", "c"].map { weather.uri($0) }, options: CallOptions())
            let codes = outcomes.map { outcome -> BlobError.Code? in
                if case .failure(let error) = outcome { error.code } else { nil }
            }
            #expect(codes == [nil, .permissionDenied, .backendUnavailable])
        }
    }
}
