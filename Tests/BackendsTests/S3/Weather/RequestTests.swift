import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What the requests say when nothing goes wrong: options as headers, and how many requests there are.
@Suite(.timeLimit(.minutes(10))) struct RequestTests {
    private static let small = SeededBody(seed: 4, byteCount: 40_000).bytes
    /// Two parts and a bit.
    private static let large = SeededBody(seed: 5, byteCount: 11 << 20).bytes

    private func allHeaders(_ weather: Weather, _ name: String) -> [String: [String?]] {
        Dictionary(grouping: weather.server.requests, by: \.summary)
            .mapValues { $0.map { $0[name] } }
    }

    @Test func `IX4 a blob of one byte is written and read by one request each`() async throws {
        try await withCalmWeather { weather in
            _ = try await weather.backend.put(weather.uri(), [7])
            #expect(try await weather.backend.get(weather.uri()) == [7])
            #expect(weather.asked == ["PUT", "GET"])
        }
    }

    @Test func `S3-22 deleting what is not there succeeds, and one request does it`() async throws {
        try await withCalmWeather { weather in
            let result = try await weather.backend.delete(weather.uri("none"))
            #expect(result.existed == nil)
            #expect(weather.asked == ["DELETE"])
        }
    }

    @Test func `S3-24 who pays, storage class and encryption are said where they count`()
        async throws
    {
        var settings = Weather.Settings()
        settings.configuration.paysForRequests = true
        settings.configuration.storageClass = "STANDARD_IA"
        settings.configuration.encryption = .kms(keyID: "key-1")
        try await withCalmWeather(settings) { weather in
            _ = try await weather.backend.put(weather.uri(), Self.large)
            _ = try await weather.backend.put(weather.uri("small"), Self.small)
            _ = try await weather.backend.get(weather.uri("small"))
            #expect(weather.values("x-amz-request-payer").allSatisfy { $0 == "requester" })
            for (name, value) in [
                ("x-amz-storage-class", "STANDARD_IA"),
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-server-side-encryption-aws-kms-key-id", "key-1"),
            ] {
                let headers = allHeaders(weather, name)
                #expect(headers["POST uploads"] == [value])
                #expect(headers["PUT"] == [value])
                // Parts and reads would be refused with them.
                #expect(headers["PUT part"]?.allSatisfy { $0 == nil } == true)
                #expect(headers["GET"]?.allSatisfy { $0 == nil } == true)
            }
            let signed = try #require(weather.values("authorization").first ?? nil)
            #expect(signed.contains("x-amz-request-payer"))
        }
    }

    @Test func `S3-24 a customer's key goes with everything that touches the bytes`() async throws {
        var settings = Weather.Settings()
        settings.configuration.encryption = .customerKey([UInt8](repeating: 7, count: 32))
        try await withCalmWeather(settings) { weather in
            _ = try await weather.backend.put(weather.uri(), Self.large)
            try await weather.expectRead(Self.large)
            _ = try await weather.backend.head(weather.uri())
            let name = "x-amz-server-side-encryption-customer-key"
            let key = Base64.text(of: [UInt8](repeating: 7, count: 32))
            #expect(weather.values(name).allSatisfy { $0 == key })
            let digest = try MD5.base64(of: Bytes([UInt8](repeating: 7, count: 32)))
            #expect(weather.values(name + "-md5").allSatisfy { $0 == digest })
            // It never is part of a URL.
            let url = try await weather.backend.presignGet(
                weather.uri(), options: PresignOptions())
            #expect(url.headers[name] == key && !url.url.contains(key))
        }
    }

    @Test func `IX3 no more parts are under way than the setting says`() async throws {
        var settings = Weather.Settings()
        settings.configuration.concurrentPartCount = 2
        let body = SeededBody(seed: 6, byteCount: 31 << 20).bytes
        let underWay = UnderWay()
        try await withWeather(settings) { request, calm in
            guard request.summary == "PUT part" else { return calm() }
            await underWay.step()
            return calm()
        } body: { weather in
            _ = try await weather.backend.put(weather.uri(), body)
            #expect(await underWay.maximum <= 2)
            #expect(weather.asked.count { $0 == "PUT part" } == 7)
        }
    }

    @Test func `IX11, IX12 the bucket and the key of the URI are what is read, listed and signed`()
        async throws
    {
        try await withCalmWeather { weather in
            for key in ["a b", "a%2Fb", "a//b", "é😀", "*'()!", "=&?#"] {
                let uri = BlobURI(scheme: .s3, container: "other-bucket", key: key)
                _ = try await weather.backend.put(uri, [1])
                let signed = try await weather.backend.presignGet(
                    uri, options: PresignOptions())
                let target = try #require(weather.server.requests.last?.target)
                #expect(target.hasPrefix("/other-bucket/"))
                let path = signed.url.split(separator: "?")[0]
                #expect(path.hasSuffix(target), "read and signed must be one blob")
            }
        }
    }

    @Test func `IX7 what is missing is typed, for the blob and for the bucket`() async throws {
        try await withWeather { request, calm in
            request.path.hasPrefix("/weather") ? calm() : .error(404, "NoSuchBucket")
        } body: { weather in
            await expectError(.notFound) { _ = try await weather.backend.get(weather.uri()) }
            await expectError(.containerNotFound) {
                _ = try await weather.backend.get(
                    BlobURI(scheme: .s3, container: "nowhere", key: "k"))
            }
        }
    }

    @Test func `IX10 a signed URL is valid for an hour unless asked otherwise`() async throws {
        try await withCalmWeather { weather in
            let url = try await weather.backend.presignGet(
                weather.uri(), options: PresignOptions())
            let end = SettableClock.start.milliseconds + 3_600_000
            #expect(url.expiresAt == Timestamp(milliseconds: end))
        }
    }
}

/// Counts what goes on at once.
private actor UnderWay {
    private var current = 0
    private(set) var maximum = 0

    /// Lets others come in between.
    func step() async {
        current += 1
        maximum = max(maximum, current)
        for _ in 0..<200 { await Task.yield() }
        current -= 1
    }
}
