import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Connections that break, stall, or speak something else.
@Suite(.timeLimit(.minutes(10))) struct WeatherConnectionTests {
    typealias Step = ScriptedResponse.Step
    static let blob = WeatherOperation.small

    @Test(arguments: WeatherOperation.allCases, [Step.close, .reset])
    func `a connection that ends without an answer is made anew`(
        operation: WeatherOperation, step: Step
    ) async throws {
        let tally = Tally()
        try await withWeather { request, calm in
            let name = request.summary + (request.query("partNumber") ?? "")
            return tally.count(name) == 0 ? ScriptedResponse([step]) : calm()
        } body: { weather in
            operation.prepare(weather)
            try await operation.run(weather)
            #expect(weather.asked.sorted() == operation.asked.flatMap { [$0, $0] })
        }
    }

    @Test(arguments: WeatherOperation.allCases, [Step.close, .reset])
    func `a connection that never answers is an error`(
        operation: WeatherOperation, step: Step
    ) async throws {
        try await withWeather { _, _ in
            ScriptedResponse([step])
        } body: { weather in
            operation.prepare(weather)
            let error = await expectError(.backendUnavailable) { try await operation.run(weather) }
            #expect(error?.message.contains("tried 4 times") == true)
        }
    }

    @Test(arguments: [5, 40, 120], [Step.close, .reset])
    func `a head that breaks off is no answer`(byteCount: Int, step: Step) async throws {
        try await withWeather { request, calm in
            request.index == 0 ? calm().cut(after: byteCount, then: step) : calm()
        } body: { weather in
            weather.bucket.put("key", Self.blob)
            try await weather.expectRead(Self.blob)
            #expect(weather.asked == ["GET", "GET"])
        }
    }

    @Test(arguments: [nil, 0, 5, 100, 500])
    func `a service that falls silent is not waited for`(byteCount: Int?) async throws {
        var settings = Weather.Settings()
        settings.timeouts = Weather.timeouts(.milliseconds(250))
        try await withWeather(settings) { request, calm in
            guard request.index == 0 else { return calm() }
            guard let byteCount else { return ScriptedResponse([.stall]) }
            return calm().cutBody(after: byteCount, then: .stall)
        } body: { weather in
            weather.bucket.put("key", SeededBody(seed: 9, byteCount: 600).bytes)
            try await weather.expectRead(SeededBody(seed: 9, byteCount: 600).bytes)
            #expect(weather.asked.count >= 2)
        }
    }

    @Test(arguments: [WeatherOperation.head, .put, .list, .upload])
    func `a service that never says a word is an error`(
        operation: WeatherOperation
    ) async throws {
        var settings = Weather.Settings()
        settings.timeouts = Weather.timeouts(.milliseconds(100))
        settings.policy.maximumAttemptCount = 2
        try await withWeather(settings) { _, _ in
            ScriptedResponse([.stall])
        } body: { weather in
            let error = await expectError(.backendUnavailable) { try await operation.run(weather) }
            #expect(error?.message.contains("tried 2 times") == true)
            #expect(weather.asked.count == 2)
        }
    }

    @Test func `an error whose reason never comes is an error all the same`() async throws {
        var settings = Weather.Settings()
        settings.timeouts = Weather.timeouts(.seconds(2))
        settings.policy.maximumAttemptCount = 2
        try await withWeather(settings) { _, _ in
            ScriptedResponse.error(503, "SlowDown").cutBody(after: 10, then: .stall)
        } body: { weather in
            await expectError(.backendThrottled) { try await WeatherOperation.put.run(weather) }
        }
    }

    @Test func `CM-09 half a reason why there is nothing is not believed`() async throws {
        for step in [Step.close, .reset] {
            try await withWeather { request, calm in
                guard request.index == 0 else { return calm() }
                return ScriptedResponse.error(404, "NoSuchKey").cutBody(after: 30, then: step)
            } body: { weather in
                weather.bucket.put("key", Self.blob)
                try await weather.expectRead(Self.blob)
                #expect(weather.asked == ["GET", "GET"])
            }
        }
    }

    @Test func `nobody at home is an error, and soon`() async throws {
        let port = try ReservedPort()
        defer { withExtendedLifetime(port) {} }
        var settings = Weather.Settings()
        settings.port = port.number
        try await withCalmWeather(settings) { weather in
            let error = await expectError(.backendUnavailable) {
                _ = try await weather.backend.head(weather.uri())
            }
            #expect(error?.message.contains("tried 4 times") == true)
        }
    }

    @Test func `a service that comes up in time is reached`() async throws {
        let port = try ReservedPort()
        let late = Deferred<ScriptedHTTPServer>()
        var settings = Weather.Settings()
        settings.port = port.number
        settings.credentials = RotatingCredentials()
        // Nobody listens when the first attempt is signed, and a server when the second is.
        settings.clock = SettableClock { number in
            guard number == 2 else { return }
            late.set(
                try? ScriptedHTTPServer(port: port) { _ in
                    ScriptedResponse(headers: [("ETag", "\"a\"")])
                })
        }
        defer { late.value?.stop() }
        try await withCalmWeather(settings) { weather in
            let metadata = try await weather.backend.head(weather.uri())
            #expect(metadata.etag == "\"a\"")
            #expect(late.value?.requests.map(\.method) == ["HEAD"])
        }
    }

    @Test(
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}\u{3}", "<html></html>",
            "HTTP/1.1 abc OK\r\n\r\n",
            "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 1000 High\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
            "HTTP/1.1 206 OK\r\nno colon here\r\n\r\n", "HTTP/1.1 206\r\n: nameless\r\n\r\n",
            "HTTP/1.1 206 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\r\n\r\n\r\n\r\n",
            "HTTP/1.1 206 OK\r\nContent-Encoding: gzip\r\n\r\nnothing", "220 ftp ready\r\n",
        ])
    func `what is not HTTP is an error`(garbage: String) async throws {
        try await withWeather { _, _ in
            ScriptedResponse([.send(Bytes(utf8: garbage)), .close])
        } body: { weather in
            for operation in [WeatherOperation.head, .read, .put, .list] {
                await expectError(.backendUnavailable) { try await operation.run(weather) }
            }
        }
    }

    @Test(arguments: ["x", "x: "], [1, 1000])
    func `a head without end is an error`(start: String, lineCount: Int) async throws {
        let line = start + String(repeating: "y", count: (8 << 20) / lineCount) + "\r\n"
        let bomb = Bytes(
            utf8: "HTTP/1.1 200 OK\r\n" + String(repeating: line, count: lineCount))
        try await withWeather { _, _ in
            ScriptedResponse([.send(bomb), .close])
        } body: { weather in
            await expectError(.backendUnavailable) { try await WeatherOperation.head.run(weather) }
        }
    }

    @Test func `an old server without lengths is understood`() async throws {
        try await withWeather { _, _ in
            let head = "HTTP/1.0 206 OK\r\nETag: \"a\"\r\nContent-Range: bytes 0-499/500\r\n\r\n"
            return ScriptedResponse([.send(Bytes(utf8: head)), .send(Self.blob), .close])
        } body: { weather in
            try await weather.expectRead(Self.blob)
            #expect(weather.asked == ["GET"])
        }
    }

    @Test func `a body in chunks is understood, and one that ends early goes on`() async throws {
        let headers = [("ETag", "\"a\""), ("Content-Range", "bytes 0-499/500")]
        try await withWeather { request, calm in
            guard request.index == 0 else {
                return ScriptedResponse(
                    status: 206,
                    headers: [("ETag", "\"a\""), ("Content-Range", "bytes 400-499/500")],
                    body: Self.blob.dropFirst(400))
            }
            let chunks = (0..<4).map { Self.blob.slice($0 * 100..<($0 + 1) * 100) }
            return ScriptedResponse(status: 206, headers: headers, chunks: chunks)
        } body: { weather in
            try await weather.expectRead(Self.blob)
            #expect(weather.values("range") == ["bytes=0-5242879", "bytes=400-499"])
        }
    }

    @Test func `informational answers before the real one are passed over`() async throws {
        let early = Bytes(utf8: "HTTP/1.1 103 Early Hints\r\nETag: \"wrong\"\r\n\r\n")
        let more = Bytes(utf8: "HTTP/1.1 100 Continue\r\n\r\n")
        try await withWeather { _, calm in
            ScriptedResponse([.send(early), .send(more)] + calm().steps)
        } body: { weather in
            let etag = weather.bucket.put("key", Self.blob)
            let (metadata, bytes) = try await weather.backend.get(
                weather.uri(), options: GetOptions())
            #expect(bytes == Self.blob)
            #expect(metadata.etag == etag)
        }
    }

    @Test(arguments: ["HEAD", "GET"])
    func `bytes after an answer are not the next answer`(method: String) async throws {
        let lie = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"lie\"\r\n\r\nlie"
        try await withWeather { request, calm in
            let answer = calm()
            guard request.method == method, case .send(let bytes)? = answer.steps.first else {
                return answer
            }
            return ScriptedResponse([.send(Bytes(Array(bytes) + Array(lie.utf8)))])
        } body: { weather in
            let etag = weather.bucket.put("key", Self.blob)
            for _ in 0..<3 {
                #expect(try await weather.backend.head(weather.uri()).etag == etag)
                try await weather.expectRead(Self.blob)
            }
        }
    }
}
