import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// What passes is waited for, and not for ever (S3-16).
@Suite(.timeLimit(.minutes(10))) struct WeatherRetryTests {
    /// What a service says that asks for another attempt, and what remains when it goes on so.
    struct Trouble: Sendable, CustomTestStringConvertible {
        var status: Int
        var code: String?
        var error: BlobError.Code
        var headers: [(String, String)] = []
        var testDescription: String { "\(status) \(code ?? "")" }

        func response(_ request: ScriptedRequest) -> ScriptedResponse {
            guard request.method != "HEAD", let code else { return .bare(status, headers) }
            return .error(status, code, headers: headers)
        }
    }

    static let troubles = [
        Trouble(status: 500, code: "InternalError", error: .backendUnavailable),
        Trouble(status: 500, error: .backendUnavailable),
        Trouble(status: 502, error: .backendUnavailable),
        Trouble(status: 503, code: "SlowDown", error: .backendThrottled),
        Trouble(
            status: 503, code: "ServiceUnavailable", error: .backendThrottled,
            headers: [("Retry-After", "86400")]),
        Trouble(status: 503, error: .backendThrottled, headers: [("Retry-After", "-1")]),
        Trouble(status: 504, error: .backendUnavailable),
        Trouble(status: 429, error: .backendThrottled),
        Trouble(status: 408, error: .backendUnavailable),
    ]
    static let slowDown = troubles[3]

    @Test(arguments: WeatherOperation.allCases, troubles)
    func `S3-16 every operation outlives a passing trouble`(
        operation: WeatherOperation, trouble: Trouble
    ) async throws {
        let tally = Tally()
        var settings = Weather.Settings()
        settings.runsOnLoop = trouble.status % 2 == 0
        try await withWeather(settings) { request, calm in
            let name = request.summary + (request.query("partNumber") ?? "")
            return tally.count(name) == 0 ? trouble.response(request) : calm()
        } body: { weather in
            operation.prepare(weather)
            try await operation.run(weather)
            let expected = operation.asked.flatMap { [$0, $0] }
            #expect(weather.asked.sorted() == expected)
        }
    }

    @Test(arguments: WeatherOperation.allCases, [troubles[0], slowDown, troubles[8]])
    func `S3-16 trouble without end is an error after some attempts`(
        operation: WeatherOperation, trouble: Trouble
    ) async throws {
        try await withWeather { request, _ in
            trouble.response(request)
        } body: { weather in
            operation.prepare(weather)
            let error = await expectError(trouble.error) { try await operation.run(weather) }
            #expect(error?.message.contains("tried 4 times") == true, "\(error?.message ?? "")")
            #expect(error?.retry == .backoff)
            // A create-only write then looks whether it was stored after all.
            let asked = weather.asked.filter { operation != .putNew || $0 == "PUT" }
            #expect(asked.count == 4)
            #expect(Set(asked).count == 1)
        }
    }

    @Test(arguments: [400, 409])
    func `codes that pass have any status`(status: Int) async throws {
        let code = status == 400 ? "RequestTimeout" : "OperationAborted"
        try await withWeather { request, calm in
            request.index == 0 ? .error(status, code) : calm()
        } body: { weather in
            try await WeatherOperation.put.run(weather)
            #expect(weather.asked == ["PUT", "PUT"])
        }
    }

    @Test func `S3-16 a request to slow down makes fewer requests at once`() async throws {
        try await withWeather { request, calm in
            request.index == 0 ? Self.slowDown.response(request) : calm()
        } body: { weather in
            let concurrency = weather.backend.client.concurrency
            let width = concurrency.width(of: Weather.bucketName)
            let other = concurrency.width(of: "other")
            try await WeatherOperation.put.run(weather)
            #expect(concurrency.width(of: Weather.bucketName) == width / 2)
            #expect(concurrency.width(of: "other") == other)
        }
    }

    @Test func `the service says how long to wait`() async throws {
        var settings = Weather.Settings()
        settings.policy.maximumRetryAfter = .milliseconds(200)
        try await withWeather(settings) { request, calm in
            request.index == 0
                ? .error(503, "SlowDown", headers: [("Retry-After", "1")]) : calm()
        } body: { weather in
            let start = ContinuousClock.now
            try await WeatherOperation.put.run(weather)
            #expect(ContinuousClock.now - start >= .milliseconds(200))
        }
    }

    @Test func `when everything fails, it is no longer repeated`() async throws {
        try await withWeather { request, _ in
            .bare(500)
        } body: { weather in
            for _ in 0..<40 {
                await expectError(.backendUnavailable) {
                    _ = try await weather.backend.head(weather.uri())
                }
            }
            // 500 tokens are a hundred repetitions.
            #expect(weather.asked.count == 140)
        }
    }

    @Test func `a call's time limit ends its attempts`() async throws {
        var settings = Weather.Settings()
        settings.policy.maximumAttemptCount = 1000
        settings.policy.baseDelay = .milliseconds(40)
        settings.policy.maximumDelay = .milliseconds(40)
        try await withWeather(settings) { request, _ in
            .bare(500)
        } body: { weather in
            let options = GetOptions(call: CallOptions(timeout: .milliseconds(200)))
            do throws(BlobError) {
                _ = try await weather.backend.head(weather.uri(), options: options)
                Issue.record("it cannot succeed")
            } catch {
                let codes: [BlobError.Code] = [.deadlineExceeded, .backendUnavailable]
                #expect(codes.contains(error.code))
            }
            // A thousand attempts would be many more: each pause is some twenty milliseconds.
            #expect(weather.asked.count < 100)
        }
    }

    @Test func `S3-15 an attempt says when it was made`() async throws {
        let settings = Weather.Settings()
        try await withWeather(settings) { request, calm in
            settings.clock.now = Timestamp(
                milliseconds: SettableClock.start.milliseconds + 1000 * Int64(request.index + 1))
            return request.index < 2 ? .bare(500) : calm()
        } body: { weather in
            try await WeatherOperation.put.run(weather)
            let dates = ["20260102T030405Z", "20260102T030406Z", "20260102T030407Z"]
            #expect(weather.values("x-amz-date") == dates)
            #expect(Set(weather.values("authorization")).count == 3)
        }
    }

    @Test func `what is refused for good is not repeated`() async throws {
        for (status, code, expected) in [
            (403, "AccessDenied", .permissionDenied), (404, "NoSuchBucket", .containerNotFound),
            (400, "InvalidArgument", .invalidArgument),
            (501, "NotImplemented", .unsupportedOperation),
            (403, "SignatureDoesNotMatch", .backendAuthentication),
        ] as [(Int, String, BlobError.Code)] {
            try await withWeather { _, _ in
                .error(status, code)
            } body: { weather in
                await expectError(expected) { try await WeatherOperation.put.run(weather) }
                #expect(weather.asked.count == 1)
            }
        }
    }
}
