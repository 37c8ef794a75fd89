import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Buckets that are elsewhere (S3-07, CM-10).
@Suite(.timeLimit(.minutes(10))) struct WeatherRegionTests {
    /// The ways in which the service says so.
    enum Hint: CaseIterable, Sendable {
        case movedPermanently, movedTemporarily, malformed, endpoint, noCode, forbidden

        func response(_ request: ScriptedRequest, _ region: String) -> ScriptedResponse {
            let header = [("x-amz-bucket-region", region)]
            let status =
                switch self {
                case .movedPermanently: 301
                case .movedTemporarily, .endpoint: 307
                case .malformed, .noCode: 400
                case .forbidden: 403
                }
            // What HEAD is told has no body, and often no Location either.
            if request.method == "HEAD" { return .bare(status, header) }
            return switch self {
            case .movedPermanently: .error(status, "PermanentRedirect", headers: header)
            case .movedTemporarily: .error(status, "TemporaryRedirect", headers: header)
            case .malformed:
                .error(
                    status, "AuthorizationHeaderMalformed", more: "<Region>\(region)</Region>")
            case .endpoint:
                .error(
                    status, "TemporaryRedirect",
                    more: "<Endpoint>weather.s3-\(region).amazonaws.com</Endpoint>")
            case .noCode, .forbidden: .bare(status, header)
            }
        }
    }

    @Test(arguments: Hint.allCases, WeatherOperation.allCases)
    func `S3-07 a bucket elsewhere is asked there, and at once the next time`(
        hint: Hint, operation: WeatherOperation
    ) async throws {
        try await withWeather { request, calm in
            request.signedRegion == "eu-west-1" ? calm() : hint.response(request, "eu-west-1")
        } body: { weather in
            operation.prepare(weather)
            try await operation.run(weather)
            #expect(weather.asked.count == operation.asked.count + 1)
            try await weather.expectReadOrDeleted()
            let regions = weather.server.requests.map(\.signedRegion)
            #expect(regions == ["us-east-1"] + regions.dropFirst().map { _ in "eu-west-1" })
        }
    }

    @Test(arguments: Hint.allCases, [WeatherOperation.read, .head])
    func `S3-07 there is one hop, and none to where the answer came from`(
        hint: Hint, operation: WeatherOperation
    ) async throws {
        for answers in [["us-east-1"], ["eu-west-1", "eu-west-1"], ["eu-west-1", "ap-south-1"]] {
            try await withWeather { request, _ in
                hint.response(request, answers[min(request.index, answers.count - 1)])
            } body: { weather in
                operation.prepare(weather)
                await #expect(throws: BlobError.self) { try await operation.run(weather) }
                #expect(weather.asked.count == answers.count)
            }
        }
    }

    @Test(arguments: [
        "", "eu-west-1.evil.example/", "EU", "x y", String(repeating: "a", count: 65),
    ])
    func `S3-07 what is no region is not made part of a host`(region: String) async throws {
        try await withWeather { request, _ in
            .error(301, "PermanentRedirect", headers: [("x-amz-bucket-region", region)])
        } body: { weather in
            await expectError(.backendUnavailable) {
                try await WeatherOperation.read.run(weather)
            }
            #expect(weather.asked.count == 1)
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308], WeatherOperation.allCases)
    func `CM-10 a redirect to another host is never followed`(
        status: Int, operation: WeatherOperation
    ) async throws {
        let other = try ScriptedHTTPServer { _ in ScriptedResponse(text: "<Trap/>") }
        defer { other.stop() }
        let location = other.url("/weather/key")
        try await withWeather { request, _ in
            .bare(status, [("Location", location)])
        } body: { weather in
            operation.prepare(weather)
            await expectError(.backendUnavailable) { try await operation.run(weather) }
            #expect(weather.asked.count == 1)
        }
        #expect(other.counts.connections == 0)
    }

    @Test func `S3-07 requests that were under way all learn the region`() async throws {
        let arrived = Tally()
        let isFull = Event()
        try await withWeather { request, calm in
            guard request.signedRegion != "eu-west-1" else { return calm() }
            // Nobody is answered before all have asked.
            if arrived.count() == 3 { isFull.signal() }
            try? await isFull.wait()
            return Hint.movedPermanently.response(request, "eu-west-1")
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

    @Test func `S3-07 a signed URL is for the region that was learnt`() async throws {
        try await withWeather { request, calm in
            request.signedRegion == "eu-west-1"
                ? calm() : Hint.movedPermanently.response(request, "eu-west-1")
        } body: { weather in
            try await WeatherOperation.put.run(weather)
            let signed = try await weather.backend.presignGet(
                weather.uri(), options: PresignOptions())
            #expect(signed.url.contains("%2Feu-west-1%2Fs3%2F"))
        }
    }
}

extension Weather {
    /// Asks for the blob once more, whether it is still there or not.
    fileprivate func expectReadOrDeleted() async throws {
        do {
            _ = try await backend.get(uri())
        } catch {
            #expect(error.code == .notFound)
        }
    }
}
