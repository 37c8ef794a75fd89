import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Blobs that do not come in one piece (CM-03, CM-04, CM-05).
@Suite(.timeLimit(.minutes(1))) struct WeatherBodyTests {
    static let small = SeededBody(seed: 1, byteCount: 40_000).bytes
    /// Two parts and a bit.
    static let large = SeededBody(seed: 2, byteCount: 11 << 20).bytes

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
            // A reset may destroy bytes that were on their way.
            let resumed = try #require(weather.values("range").last ?? nil)
            if case .close = step { #expect(resumed == "bytes=\(cut)-39999") }
            #expect(weather.values("range") == ["bytes=0-5242879", resumed])
            #expect(weather.values("if-match") == [nil, etag])
        }
    }

    @Test(arguments: ["bytes=0-5242879", "bytes=5242880-10485759", "bytes=10485760-11534335"])
    func `CM-03 each part that breaks off at each quarter is read on from there`(
        part: String
    ) async throws {
        for quarter in 0..<4 {
            let tally = Tally()
            try await withWeather { request, calm in
                guard request["range"] == part, tally.count() == 0 else { return calm() }
                let answer = calm()
                return answer.cutBody(after: answer.bodyByteCount / 4 * quarter)
            } body: { weather in
                let etag = weather.bucket.put("key", Self.large)
                try await weather.expectRead(Self.large)
                let asked = weather.values("range").compactMap { $0 }
                #expect(asked.count == 4, "\(asked)")
                #expect(Set(weather.values("if-match").dropFirst()) == [etag])
            }
        }
    }
}
