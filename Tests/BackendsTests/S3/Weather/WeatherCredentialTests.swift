import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Credentials that end and clocks that are wrong (CM-07, S3-17, S3-18).
@Suite(.timeLimit(.minutes(10))) struct WeatherCredentialTests {
    private func settings(_ credentials: RotatingCredentials) -> Weather.Settings {
        var settings = Weather.Settings()
        settings.credentials = credentials
        return settings
    }

    private static func refusal(
        _ request: ScriptedRequest, _ status: Int, _ code: String,
        _ headers: [(String, String)] = []
    ) -> ScriptedResponse {
        request.method == "HEAD" ? .bare(status, headers) : .error(status, code, headers: headers)
    }

    // MARK: Credentials

    @Test(
        arguments: [
            "ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired",
        ],
        WeatherOperation.allCases)
    func `S3-18 expired credentials are fetched anew once`(
        code: String, operation: WeatherOperation
    ) async throws {
        let credentials = RotatingCredentials()
        try await withWeather(settings(credentials)) { request, calm in
            request.signer == "KEY0" ? Self.refusal(request, 400, code) : calm()
        } body: { weather in
            operation.prepare(weather)
            try await operation.run(weather)
            #expect(credentials.refusedCount == 1)
            #expect(weather.asked.count == operation.asked.count + 1)
            let tokens = weather.values("x-amz-security-token")
            #expect(tokens == ["token0"] + tokens.dropFirst().map { _ in "token1" })
        }
    }

    @Test func `S3-18 credentials refused a second time are an error`() async throws {
        let credentials = RotatingCredentials()
        try await withWeather(settings(credentials)) { request, _ in
            Self.refusal(request, 403, "ExpiredToken")
        } body: { weather in
            let error = await expectError(.backendAuthentication) {
                try await WeatherOperation.put.run(weather)
            }
            #expect(error?.message.contains("token") == false)
            #expect(weather.server.requests.map(\.signer) == ["KEY0", "KEY1"])
            #expect(credentials.refusedCount == 1)
        }
    }

    @Test func `S3-18 what was under way when credentials expired causes one fetch`() async throws {
        let credentials = RotatingCredentials()
        let arrived = Tally()
        let isFull = Event()
        try await withWeather(settings(credentials)) { request, calm in
            guard request.signer == "KEY0" else { return calm() }
            if arrived.count() == 3 { isFull.signal() }
            try? await isFull.wait()
            return Self.refusal(request, 400, "ExpiredToken")
        } body: { weather in
            weather.bucket.put("key", WeatherOperation.small)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await weather.expectRead(WeatherOperation.small) }
                }
                try await group.waitForAll()
            }
            #expect(credentials.refusedCount == 1)
            #expect(weather.asked.count == 8)
        }
    }

    @Test func `CM-07 every attempt is signed with the credentials of its time`() async throws {
        let credentials = RotatingCredentials(rotatesAlways: true)
        try await withWeather(settings(credentials)) { request, calm in
            request.index < 2 ? .bare(500) : calm()
        } body: { weather in
            try await WeatherOperation.put.run(weather)
            #expect(weather.server.requests.map(\.signer) == ["KEY0", "KEY1", "KEY2"])
        }
    }

    @Test(arguments: ["InvalidAccessKeyId", "SignatureDoesNotMatch"])
    func `wrong credentials are an error at once`(code: String) async throws {
        try await withWeather { request, _ in
            Self.refusal(request, 403, code)
        } body: { weather in
            await expectError(.backendAuthentication) {
                try await WeatherOperation.put.run(weather)
            }
            #expect(weather.asked.count == 1)
        }
    }

    // MARK: Clocks

    /// An hour after what our clock shows.
    private static let serverDate = "Fri, 02 Jan 2026 04:04:05 GMT"

    @Test(arguments: ["RequestTimeTooSkewed", "RequestExpired"], WeatherOperation.allCases)
    func `S3-17 a wrong clock is put right for all that follows`(
        code: String, operation: WeatherOperation
    ) async throws {
        try await withWeather { request, calm in
            request["x-amz-date"]?.hasPrefix("20260102T04") == true
                ? calm() : Self.refusal(request, 403, code, [("Date", Self.serverDate)])
        } body: { weather in
            operation.prepare(weather)
            try await operation.run(weather)
            #expect(weather.asked.count == operation.asked.count + 1)
            _ = try? await weather.backend.head(weather.uri())
            let dates = weather.values("x-amz-date")
            #expect(dates.first == "20260102T030405Z")
            #expect(Set(dates.dropFirst()) == ["20260102T040405Z"])
            let signed = try await weather.backend.presignGet(
                weather.uri(), options: PresignOptions(validSeconds: 60))
            #expect(signed.url.contains("X-Amz-Date=20260102T040405Z"))
        }
    }

    @Test func `S3-17 a clock that stays wrong is an error`() async throws {
        try await withWeather { request, _ in
            Self.refusal(request, 403, "RequestTimeTooSkewed", [("Date", Self.serverDate)])
        } body: { weather in
            await expectError(.backendAuthentication) {
                try await WeatherOperation.put.run(weather)
            }
            #expect(weather.asked.count == 2)
        }
    }

    @Test func `S3-17 requests under way are all repeated`() async throws {
        let arrived = Tally()
        let isFull = Event()
        try await withWeather { request, calm in
            guard request["x-amz-date"]?.hasPrefix("20260102T04") != true else { return calm() }
            if arrived.count() == 3 { isFull.signal() }
            try? await isFull.wait()
            return Self.refusal(
                request, 403, "RequestTimeTooSkewed", [("Date", Self.serverDate)])
        } body: { weather in
            weather.bucket.put("key", WeatherOperation.small)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await weather.expectRead(WeatherOperation.small) }
                }
                try await group.waitForAll()
            }
            #expect(weather.asked.count == 8)
        }
    }

    @Test(
        arguments: [
            nil, "", "yesterday", "Thu, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:60 GMT",
            "Mon, 99 Foo 2026 99:99:99 GMT", "Thu, 01 Jan 99999 00:00:00 GMT",
        ])
    func `S3-17 a service with a strange clock is an error`(date: String?) async throws {
        try await withWeather { request, _ in
            let fields = date.map { [("Date", $0)] } ?? []
            return Self.refusal(request, 403, "RequestTimeTooSkewed", fields)
        } body: { weather in
            await expectError(.backendAuthentication) {
                try await WeatherOperation.put.run(weather)
            }
            #expect(weather.asked.count <= 2)
            // Whatever was learnt, nothing traps.
            _ = try? await weather.backend.presignGet(weather.uri(), options: PresignOptions())
        }
    }

    @Test func `S3-17 a refusal at the right time is a refusal`() async throws {
        try await withWeather { request, _ in
            .bare(403, [("Date", "Fri, 02 Jan 2026 03:04:00 GMT")])
        } body: { weather in
            await expectError(.permissionDenied) { try await WeatherOperation.head.run(weather) }
            #expect(weather.asked.count == 1)
        }
    }
}
