import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Answers to range requests that do not fit the question (CM-02, CM-06).
@Suite(.timeLimit(.minutes(10))) struct WeatherRangeTests {
    static let blob = SeededBody(seed: 3, byteCount: 3000).bytes
    static let tag = ("ETag", "\"tag\"")
    static let tail = ByteRange.suffix(1000)
    static let middle = ByteRange.bounded(start: 100, end: 200)

    private func partial(_ range: Range<Int>, _ place: String?) -> ScriptedResponse {
        ScriptedResponse(
            status: 206, headers: [Self.tag] + (place.map { [("Content-Range", $0)] } ?? []),
            body: Self.blob.slice(range))
    }

    @Test(
        arguments: [
            (middle, 101..<200, "bytes 101-199/3000"), (middle, 99..<199, "bytes 99-198/3000"),
            (middle, 100..<201, "bytes 100-200/3000"), (middle, 100..<199, "bytes 100-198/3000"),
            (middle, 0..<3000, "bytes 0-2999/3000"), (middle, 100..<200, nil),
            (middle, 100..<200, "bytes */3000"), (middle, 100..<200, "bytes 100-199/*"),
            (middle, 100..<200, "bytes 100-199/150"), (middle, 100..<200, "bytes 199-100/3000"),
            (middle, 100..<200, "bytes -100-199/3000"), (middle, 100..<200, "octets 100-199/3000"),
            (middle, 100..<200, "bytes 100-199/99999999999999999999"),
            (middle, 100..<200, "bytes 100-18446744073709551615/18446744073709551615"),
            (middle, 100..<200, "bytes=100-199/3000"), (middle, 100..<200, ""),
            // A suffix that is answered from the beginning, and one of another length.
            (tail, 0..<3000, "bytes 0-2999/3000"), (tail, 0..<1000, "bytes 0-999/3000"),
            (tail, 1999..<3000, "bytes 1999-2999/3000"),
            (tail, 2001..<3000, "bytes 2001-2999/3000"),
        ] as [(ByteRange, Range<Int>, String?)])
    func `CM-02 another range than asked for is an error`(
        asked: ByteRange, sent: Range<Int>, place: String?
    ) async throws {
        try await withWeather { _, _ in
            partial(sent, place)
        } body: { weather in
            let error = await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri(), range: asked)
            }
            #expect(error?.retry == .never)
            #expect(weather.asked == ["GET"])
        }
    }

    @Test(arguments: [middle, tail, .from(1)])
    func `CM-02 the whole blob is no answer to a request for a range`(
        range: ByteRange
    ) async throws {
        try await withWeather { _, _ in
            ScriptedResponse(headers: [Self.tag], body: Self.blob)
        } body: { weather in
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri(), range: range)
            }
        }
    }

    @Test func `CM-02 the whole blob is as good when the whole is wanted`() async throws {
        try await withWeather { _, _ in
            ScriptedResponse(headers: [Self.tag], body: Self.blob)
        } body: { weather in
            try await weather.expectRead(Self.blob)
            #expect(weather.asked == ["GET"])
        }
    }

    @Test(arguments: [200, 201, 202, 204, 206])
    func `a success that is none of a read's is an error`(status: Int) async throws {
        try await withWeather { _, _ in
            ScriptedResponse([.send(ScriptedResponse.head(status, [Self.tag])), .close])
        } body: { weather in
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri())
            }
        }
    }

    @Test func `CM-02 a later part that is another range is an error`() async throws {
        let large = SeededBody(seed: 4, byteCount: 6 << 20).bytes
        for place in ["bytes 5242880-6291454/6291456", "bytes 0-1048575/6291456", nil] {
            try await withWeather { request, calm in
                guard request["range"] != "bytes=0-5242879" else { return calm() }
                let fields = place.map { [("Content-Range", $0)] } ?? []
                return ScriptedResponse(
                    status: 206, headers: [("ETag", request["if-match"] ?? "")] + fields,
                    body: large.slice(5_242_880..<6_291_456))
            } body: { weather in
                weather.bucket.put("key", large)
                await expectError(.backendUnavailable) {
                    _ = try await weather.backend.get(weather.uri())
                }
                #expect(weather.asked == ["GET", "GET"])
            }
        }
    }

    @Test(arguments: ["2000", "3001", "9000"])
    func `a wrong length makes the rest be asked for, or an error`(length: String) async throws {
        let lie = ScriptedResponse.head(
            206, [Self.tag, ("Content-Range", "bytes 0-2999/3000"), ("Content-Length", length)])
        try await withWeather { request, _ in
            if request.index == 0 {
                return ScriptedResponse([.send(lie), .send(Self.blob), .close])
            }
            return partial(2000..<3000, "bytes 2000-2999/3000")
        } body: { weather in
            try await weather.expectRead(Self.blob)
            #expect(weather.asked.count == (length == "2000" ? 2 : 1))
        }
    }

    @Test(arguments: ["-1", "18446744073709551616", "99999999999999999999999", "abc", "0x10", ""])
    func `a length that is no number is an error`(length: String) async throws {
        let head = ScriptedResponse.head(200, [Self.tag, ("Content-Length", length)])
        try await withWeather { _, _ in
            ScriptedResponse([.send(head), .send(Self.blob), .close])
        } body: { weather in
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri())
            }
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.head(weather.uri())
            }
        }
    }

    @Test(arguments: [true, false])
    func `CM-06 an empty blob is read`(saysSize: Bool) async throws {
        try await withWeather { request, calm in
            guard request.method == "GET", !saysSize else { return calm() }
            return .bare(416)
        } body: { weather in
            let etag = weather.bucket.put("key", Bytes())
            let (metadata, bytes) = try await weather.backend.get(
                weather.uri(), options: GetOptions())
            #expect(bytes.isEmpty)
            #expect(metadata.byteCount == 0)
            #expect(metadata.etag == etag)
            #expect(weather.asked == ["GET", "HEAD"])
        }
    }

    @Test func `CM-01 past the end there is the size`() async throws {
        try await withCalmWeather { weather in
            weather.bucket.put("key", Self.blob)
            let error = await expectError(.rangeNotSatisfiable) {
                _ = try await weather.backend.get(weather.uri(), range: .from(3000))
            }
            #expect(error?.objectByteCount == 3000)
        }
    }

    @Test func `a service that refuses every range ends in an error`() async throws {
        try await withWeather { request, calm in
            request.method == "GET" ? .error(416, "InvalidRange") : calm()
        } body: { weather in
            weather.bucket.put("key", Self.blob)
            await expectError(.objectChanged) { _ = try await weather.backend.get(weather.uri()) }
            #expect(weather.asked == ["GET", "HEAD", "GET"])
        }
    }

    @Test func `several ranges come in order though each first answer breaks off`() async throws {
        let tally = Tally()
        try await withWeather { request, calm in
            tally.count(request["range"] ?? "") == 0 ? calm().cutBody(after: 5) : calm()
        } body: { weather in
            weather.bucket.put("key", Self.blob)
            let options = GetOptions(ranges: [
                .suffix(20), .bounded(start: 50, end: 50), .bounded(start: 5, end: 45), .from(2990),
            ])
            let bytes = try await weather.backend.get(weather.uri(), options: options).bytes
            let expected = [2980..<3000, 5..<45, 2990..<3000].flatMap { Array(Self.blob.slice($0)) }
            #expect(bytes == Bytes(expected))
        }
    }
}
