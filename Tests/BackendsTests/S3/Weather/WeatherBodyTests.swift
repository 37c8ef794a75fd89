import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Blobs that do not come in one piece (CM-03, CM-04, CM-05).
@Suite(.timeLimit(.minutes(10))) struct WeatherBodyTests {
    static let small = SeededBody(seed: 1, byteCount: 40_000).bytes
    /// Two parts and a bit.
    static let large = SeededBody(seed: 2, byteCount: 11 << 20).bytes
    static let parts = ["bytes=0-5242879", "bytes=5242880-10485759", "bytes=10485760-11534335"]

    @Test(
        arguments: [0, 1, 10_000, 20_000, 30_000, 39_999], [ScriptedResponse.Step.close, .reset])
    func `CM-03 a small blob that breaks off is read on from there`(
        cut: Int, step: ScriptedResponse.Step
    ) async throws {
        try await withWeather { request, calm in
            request.index == 0 ? calm().cutBody(after: cut, then: step) : calm()
        } body: { weather in
            let etag = weather.bucket.put("key", Self.small)
            try await weather.expectRead(Self.small)
            let asked = weather.values("range")
            try #require(asked.count == 2)
            // A reset may destroy bytes that were on their way.
            if case .close = step {
                #expect(asked == ["bytes=0-5242879", "bytes=\(cut)-39999"])
                #expect(weather.values("if-match") == [nil, etag])
            }
        }
    }

    @Test(arguments: parts, 0..<4)
    func `CM-03 each part that breaks off at each quarter is read on from there`(
        part: String, quarter: Int
    ) async throws {
        let tally = Tally()
        var settings = Weather.Settings()
        settings.runsOnLoop = quarter % 2 == 0
        try await withWeather(settings) { request, calm in
            guard request["range"] == part, tally.count() == 0 else { return calm() }
            let answer = calm()
            return answer.cutBody(after: answer.bodyByteCount / 4 * quarter)
        } body: { weather in
            let etag = weather.bucket.put("key", Self.large)
            try await weather.expectRead(Self.large)
            let asked = weather.values("range").compactMap { $0 }
            #expect(Set(asked).isSuperset(of: Self.parts))
            #expect(asked.count == 4, "\(asked)")
            #expect(Set(weather.values("if-match").dropFirst()) == [etag])
        }
    }

    @Test func `CM-03 a body that always breaks off gives what came, then an error`() async throws {
        try await withWeather { request, calm in
            // Nothing at all of what follows the first 10,000 bytes.
            calm().cutBody(after: request.index == 0 ? 10_000 : 0)
        } body: { weather in
            weather.bucket.put("key", Self.small)
            let read = try await weather.backend.read(weather.uri())
            let chunk = try #require(try await read.source.next())
            #expect(chunk == BlobChunk(offset: 0, bytes: Self.small.prefix(10_000)))
            let error = await expectError(.backendUnavailable) { _ = try await read.source.next() }
            #expect(error?.message.contains("tried 4 times") == true)
            #expect(error?.uri == "s3://weather/key")
            #expect(weather.asked.count == 4)
            await expectError(.backendUnavailable) { _ = try await read.source.next() }
        }
    }

    @Test(arguments: parts)
    func `S3-16 a part that cannot be had is asked for so often, and no more`(
        part: String
    ) async throws {
        try await withWeather { request, calm in
            guard request["range"] == part else { return calm() }
            // The first one has to be there to begin with.
            return request.index == 0 ? calm().cutBody(after: 0) : .error(500, "InternalError")
        } body: { weather in
            weather.bucket.put("key", Self.large)
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri())
            }
            let asked = weather.values("range").filter { $0 == part }
            #expect(asked.count == 4 + (part == Self.parts[0] ? 1 : 0), "\(asked)")
        }
    }

    @Test func `CM-03 a body in crumbs comes whole`() async throws {
        try await withWeather { _, calm in
            calm().cutBody(after: 1000)
        } body: { weather in
            weather.bucket.put("key", Self.small)
            try await weather.expectRead(Self.small)
            #expect(weather.asked.count == 40)
        }
    }

    /// How the service shows that the blob has changed.
    enum Change: CaseIterable {
        case refused, deleted, ignoresConditions, becameShorter
    }

    @Test(arguments: Change.allCases, [0, 4000])
    func `CM-05 a blob that changes while it is read is never mixed`(
        change: Change, cut: Int
    ) async throws {
        try await withWeather { request, calm in
            guard request.index > 0 else { return calm().cutBody(after: cut) }
            switch change {
            case .refused: return .error(412, "PreconditionFailed")
            case .deleted: return .error(404, "NoSuchKey")
            case .becameShorter: return .error(416, "InvalidRange")
            case .ignoresConditions:
                let place = ("Content-Range", "bytes \(cut)-39999/40000")
                return ScriptedResponse(
                    status: 206, headers: [("ETag", "\"other\""), place],
                    body: Self.small.dropFirst(cut))
            }
        } body: { weather in
            weather.bucket.put("key", Self.small)
            await expectError(.objectChanged) { _ = try await weather.backend.get(weather.uri()) }
            #expect(weather.asked.count == 2)
        }
    }

    @Test(arguments: parts.dropFirst())
    func `CM-05 a blob that is replaced between parts is never mixed`(part: String) async throws {
        let replacement = Self.large.prefix(Self.large.count - 1)
        let bucket = Deferred<CalmBucket>()
        try await withWeather { request, calm in
            if request["range"] == part { bucket.value?.put("key", replacement) }
            return calm()
        } body: { weather in
            weather.bucket.put("key", Self.large)
            bucket.set(weather.bucket)
            let read = try await weather.backend.read(weather.uri())
            var seen = 0
            await expectError(.objectChanged) {
                for try await chunk in read {
                    #expect(Self.large.dropFirst(seen).prefix(chunk.bytes.count) == chunk.bytes)
                    seen += chunk.bytes.count
                }
            }
            #expect(seen <= Self.large.count)
            bucket.set(nil)
        }
    }

    @Test(arguments: ["W/\"weak\"", nil])
    func `CM-04 what has no strong tag is not pieced together`(tag: String?) async throws {
        try await withWeather { request, calm in
            let range = ("Content-Range", "bytes 0-39999/40000")
            let headers = [range] + (tag.map { [("ETag", $0)] } ?? [])
            return ScriptedResponse(status: 206, headers: headers, body: Self.small)
                .cutBody(after: 9000)
        } body: { weather in
            let error = await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri())
            }
            #expect(error?.retry == .never)
            #expect(weather.asked == ["GET"])
        }
    }

    @Test func `CM-04 a weak tag is enough for what comes in one piece`() async throws {
        try await withWeather { _, _ in
            let headers = [("ETag", "W/\"weak\""), ("Content-Range", "bytes 0-39999/40000")]
            return ScriptedResponse(status: 206, headers: headers, body: Self.small)
        } body: { weather in
            try await weather.expectRead(Self.small)
        }
    }

    @Test func `CM-04 what goes on without saying of which version is refused`() async throws {
        try await withWeather { request, calm in
            guard request.index > 0 else { return calm().cutBody(after: 9000) }
            return ScriptedResponse(
                status: 206, headers: [("Content-Range", "bytes 9000-39999/40000")],
                body: Self.small.dropFirst(9000))
        } body: { weather in
            weather.bucket.put("key", Self.small)
            await expectError(.backendUnavailable) {
                _ = try await weather.backend.get(weather.uri())
            }
        }
    }
}
