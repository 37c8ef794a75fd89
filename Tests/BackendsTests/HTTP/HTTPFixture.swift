import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// A scripted server and an engine on a loop of its own.
struct HTTPFixture {
    let server: ScriptedHTTPServer
    let loop: EventLoop
    let engine: HTTPEngine

    init(
        settings: HTTPEngineSettings = HTTPFixture.settings(),
        early: @escaping ScriptedHTTPServer.EarlyScript = { _ in nil },
        _ script: @escaping ScriptedHTTPServer.Script
    ) throws {
        server = try ScriptedHTTPServer(early: early, script)
        loop = try EventLoop(name: "test-http")
        engine = try HTTPEngine(loop: loop, settings: settings)
    }

    init(_ responses: [ScriptedResponse]) throws {
        server = try ScriptedHTTPServer(responses)
        loop = try EventLoop(name: "test-http")
        engine = try HTTPEngine(loop: loop, settings: Self.settings())
    }

    static func settings(
        _ configure: (inout HTTPEngineSettings) -> Void = { _ in }
    ) -> HTTPEngineSettings {
        var settings = HTTPEngineSettings()
        settings.proxy = .none
        // A crowded machine may take long between two requests.
        settings.idleConnectionLifetime = .seconds(600)
        configure(&settings)
        return settings
    }

    /// A request to the server.
    func request(
        _ method: HTTPRequest.Method = .get, _ target: String = "/",
        _ configure: (inout HTTPRequest) -> Void = { _ in }
    ) -> HTTPRequest {
        Self.request(method, url: server.url(target), configure)
    }

    /// A request with timeouts that no loaded machine reaches.
    static func request(
        _ method: HTTPRequest.Method = .get, url: String,
        _ configure: (inout HTTPRequest) -> Void = { _ in }
    ) -> HTTPRequest {
        var request = HTTPRequest(method, url)
        request.timeouts = HTTPTimeouts(
            connect: .seconds(100), firstByte: .seconds(100), stall: .seconds(100))
        configure(&request)
        return request
    }

    /// Sends and reads to the end.
    @discardableResult
    func run(_ request: HTTPRequest) async throws(HTTPFailure) -> (status: Int, body: Bytes) {
        let response = try await engine.send(request)
        return (response.status, try await response.collect(maximumByteCount: 256 << 20))
    }

    /// Lets the engine's loop finish what it has begun, then stops everything.
    func stop() async {
        engine.close()
        await hop()
        loop.shutdownAndWait()
        server.stop()
    }

    /// One turn of the engine's loop.
    func hop() async {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume() }
        }
    }
}

/// Runs `body` with a fixture and stops that afterwards, whatever happens.
func withHTTP(
    _ fixture: HTTPFixture, _ body: (HTTPFixture) async throws -> Void
) async throws {
    do {
        try await body(fixture)
        await fixture.stop()
    } catch {
        await fixture.stop()
        throw error
    }
}

/// Expects `body` to throw an `HTTPFailure` of this kind; returns it.
@discardableResult
func expectFailure(
    _ kind: HTTPFailure.Kind, sourceLocation: SourceLocation = #_sourceLocation,
    from body: () async throws -> Void
) async -> HTTPFailure? {
    do {
        try await body()
        Issue.record("expected \(kind), nothing was thrown", sourceLocation: sourceLocation)
    } catch let failure as HTTPFailure {
        #expect(failure.kind == kind, "\(failure)", sourceLocation: sourceLocation)
        return failure
    } catch {
        Issue.record("unexpected error \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
