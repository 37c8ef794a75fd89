import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Which connections requests take: their number, proxies, and the pool of engines.
@Suite(.timeLimit(.minutes(10)))
struct HTTPConnectionTests {
    @Test func thousandsOfRequestsUseFewConnections() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "hello")])) { fixture in
            let wakes = fixture.loop.wakeCount
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: fixture.loop) {
                        for _ in 0..<500 {
                            let answer = try await fixture.run(fixture.request())
                            #expect(answer.body.count == 5)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(fixture.server.counts.requests == 4000)
            #expect(fixture.server.counts.connections <= 8)
            // Tasks of the loop need no other thread: only their start and end cross over.
            #expect(fixture.loop.wakeCount - wakes <= 40)
            fixture.engine.close()
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    @Test func requestsBeyondTheLimitWaitTheirTurn() async throws {
        let gate = Event()
        let settings = HTTPFixture.settings { $0.maximumConnectionCountPerHost = 2 }
        let fixture = try HTTPFixture(settings: settings) { request in
            ScriptedResponse([.wait(gate)] + ScriptedResponse(text: request.path).steps)
        }
        try await withHTTP(fixture) { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let answer = try await fixture.run(fixture.request(.get, "/\(index)"))
                        #expect(answer.body.utf8Text == "/\(index)")
                    }
                }
                try await fixture.server.wait { $0.requests == 2 }
                for _ in 0..<20 { await fixture.hop() }
                #expect(fixture.server.counts.connections == 2)
                gate.signal()
                try await group.waitForAll()
            }
            #expect(fixture.server.counts.requests == 20)
            #expect(fixture.server.counts.connections == 2)
        }
    }

    @Test func whoWaitsForATurnCanBeCancelled() async throws {
        let settings = HTTPFixture.settings { $0.maximumConnectionCountPerHost = 1 }
        let gate = Event()
        let fixture = try HTTPFixture(settings: settings) { _ in
            ScriptedResponse([.wait(gate)] + ScriptedResponse(text: "ok").steps)
        }
        try await withHTTP(fixture) { fixture in
            let first = Task { try await fixture.run(fixture.request()).status }
            try await fixture.server.wait { $0.requests == 1 }
            let second = Task {
                await expectFailure(.cancelled) { try await fixture.run(fixture.request()) }
            }
            await fixture.hop()
            second.cancel()
            #expect(await second.value?.mayHaveBeenSent == false)
            let third = Task { try await fixture.run(fixture.request()).status }
            gate.signal()
            #expect(try await first.value == 200)
            #expect(try await third.value == 200)
            #expect(fixture.server.counts.requests == 2)
        }
    }

    @Test func aProxyIsUsedUnlessTheRequestOrAnExceptionSaysNo() async throws {
        let server = try ScriptedHTTPServer([ScriptedResponse(text: "ok")])
        defer { server.stop() }
        let settings = HTTPFixture.settings {
            $0.proxy = .values(
                HTTPProxyEnvironment(
                    secure: nil, plain: "http://u:p@127.0.0.1:\(server.port)",
                    exceptions: "direct.test,.inner.test"))
            $0.nameOverrides = ["direct.test", "a.inner.test", "far.test"].map {
                "\($0):\(server.port):127.0.0.1"
            }
        }
        try await withHTTP(HTTPFixture(settings: settings) { _ in ScriptedResponse() }) { fixture in
            func target(_ host: String, usesProxy: Bool = true) async throws -> ScriptedRequest? {
                var request = HTTPFixture.request(url: "http://\(host):\(server.port)/x/../y")
                request.usesProxy = usesProxy
                request.headers.append("Authorization", "secret")
                try await fixture.run(request)
                return server.requests.last
            }
            let far = try await target("far.test")
            #expect(far?.target == "http://far.test:\(server.port)/x/../y")
            #expect(far?["Proxy-Authorization"] == "Basic dTpw")
            for host in ["direct.test", "a.inner.test"] {
                let direct = try await target(host)
                #expect(direct?.target == "/x/../y")
                #expect(direct?["Proxy-Authorization"] == nil)
            }
            #expect(try await target("far.test", usesProxy: false)?.target == "/x/../y")
        }
    }

    /// An https request asks the proxy for a tunnel, and what is meant for the server stays inside.
    @Test func aTunnelThatIsRefusedIsAProxyFailure() async throws {
        let server = try ScriptedHTTPServer([
            ScriptedResponse(status: 403, headers: [("X-Proxy", "1")], text: "no")
        ])
        defer { server.stop() }
        let settings = HTTPFixture.settings {
            $0.proxy = .values(
                HTTPProxyEnvironment(secure: "http://127.0.0.1:\(server.port)"))
        }
        try await withHTTP(HTTPFixture(settings: settings) { _ in ScriptedResponse() }) { fixture in
            var request = HTTPFixture.request(url: "https://far.test/secret")
            request.headers.append("Authorization", "secret")
            let failure = await expectFailure(.proxy) { try await fixture.run(request) }
            #expect(failure?.mayHaveBeenSent == false)
            #expect(server.requests.first?.method == "CONNECT")
            #expect(server.requests.first?.rawHead.contains("secret") == false)
        }
    }

    @Test func thePoolHasAnEngineForEachLoop() async throws {
        let server = try ScriptedHTTPServer([ScriptedResponse(text: "ok")])
        defer { server.stop() }
        let loop = try EventLoop(name: "test-caller")
        let ended = try EventLoop(name: "test-ended")
        let pool = HTTPEnginePool(settings: HTTPFixture.settings())
        let own = try pool.engine()
        #expect(try pool.engine() === own)
        for caller in [loop, ended] {
            let engine = try await Task(executorPreference: caller) {
                let engine = try pool.engine()
                _ = try await engine.send(HTTPFixture.request(url: server.url())).next()
                return engine
            }.value
            #expect(engine.loop === caller)
            #expect(engine !== own)
        }
        _ = try await own.send(HTTPFixture.request(url: server.url())).next()
        #expect(server.counts.connections == 3)
        ended.shutdownAndWait()
        pool.close()
        pool.close()
        await expectFailure(.shutDown) { _ = try pool.engine() }
        await expectFailure(.shutDown) {
            _ = try await own.send(HTTPFixture.request(url: server.url()))
        }
        try await server.wait { $0.openConnections == 0 }
        // The loop of a caller is the caller's.
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume() }
        }
        loop.shutdownAndWait()
    }
}
