import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Checksums that the service gives with what it sends.
@Suite(.timeLimit(.minutes(10))) struct WeatherChecksumTests {
    private static let bytes = SeededBody(seed: 9, byteCount: 300_000).bytes

    private var settings: Weather.Settings {
        var settings = Weather.Settings()
        settings.configuration.checksum = .crc32c
        return settings
    }

    private static func value(_ kind: S3ChecksumKind) throws -> String {
        var running = try kind.start()
        try running.update(bytes)
        return try running.finish()
    }

    @Test(arguments: [S3ChecksumKind.crc32c, .crc64nvme, .sha256])
    func `a whole blob is checked by whatever checksum comes with it`(
        kind: S3ChecksumKind
    ) async throws {
        let value = try Self.value(kind)
        try await withWeather(settings) { _, calm in
            calm()
        } body: { weather in
            _ = weather.bucket.put("key", Self.bytes, headers: [(kind.headerName, value)])
            try await weather.expectRead(Self.bytes)
            #expect(weather.values("x-amz-checksum-mode") == ["ENABLED"])
        }
    }

    @Test(arguments: [S3ChecksumKind.crc32c, .crc64nvme, .sha256])
    func `a blob that is not what its checksum says is dataLoss after its last byte`(
        kind: S3ChecksumKind
    ) async throws {
        try await withWeather(settings) { _, calm in
            calm()
        } body: { weather in
            _ = weather.bucket.put("key", Self.bytes, headers: [(kind.headerName, "AAAAAA==")])
            let read = try await weather.backend.read(weather.uri(), options: GetOptions())
            var byteCount = 0
            await expectError(.dataLoss) {
                for try await chunk in read { byteCount += chunk.bytes.count }
            }
            #expect(byteCount == Self.bytes.count)
            await expectError(.dataLoss) { _ = try await read.source.next() }
        }
    }

    @Test func `a checksum of parts, or of more than was read, says nothing`() async throws {
        try await withWeather(settings) { _, calm in
            calm()
        } body: { weather in
            let composite = [
                ("x-amz-checksum-crc32c", "AAAAAA=="), ("x-amz-checksum-type", "COMPOSITE"),
            ]
            _ = weather.bucket.put("key", Self.bytes, headers: composite)
            try await weather.expectRead(Self.bytes)
            _ = weather.bucket.put(
                "key", Self.bytes, headers: [("x-amz-checksum-crc32c", "AAAAAA==-3")])
            try await weather.expectRead(Self.bytes)
            _ = weather.bucket.put(
                "key", Self.bytes, headers: [("x-amz-checksum-crc32c", "AAAAAA==")])
            let part = try await weather.backend.get(
                weather.uri(), range: .bounded(start: 5, end: 50))
            #expect(part == Self.bytes.slice(5..<50))
        }
    }

    @Test func `without checksums none is asked for`() async throws {
        try await withWeather { _, calm in
            calm()
        } body: { weather in
            _ = weather.bucket.put(
                "key", Self.bytes, headers: [("x-amz-checksum-crc32c", "AAAAAA==")])
            try await weather.expectRead(Self.bytes)
            #expect(weather.values("x-amz-checksum-mode") == [nil])
        }
    }
}
