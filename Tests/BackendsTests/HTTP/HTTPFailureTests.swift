import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

@Suite(.timeLimit(.minutes(10)))
struct HTTPFailureTests {
    @Test(arguments: [ScriptedResponse.Step.close, .reset])
    func aCutBodyGivesWhatCameAndThenTheFailure(_ step: ScriptedResponse.Step) async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Content-Length", "1000000")])
        let isTaken = Event()
        let script = ScriptedResponse([
            .send(head), .sendPattern(byteCount: 300_000), .wait(isTaken), step,
        ])
        try await withHTTP(HTTPFixture([script])) { fixture in
            let response = try await fixture.engine.send(fixture.request())
            let first = try #require(try await response.next())
            isTaken.signal()
            var count = first.count
            let failure = await expectFailure(.connectionLost) {
                while let piece = try await response.next() { count += piece.count }
            }
            #expect(failure?.mayHaveBeenSent == true)
            if case .close = step { #expect(count == 300_000) }
            // The failure stays.
            await expectFailure(.connectionLost) { _ = try await response.next() }
        }
    }

    @Test func aCutChunkedBodyIsNoEnd() async throws {
        let whole = ScriptedResponse(chunks: [Bytes(utf8: "one"), Bytes(utf8: "two")])
        let lacksLast = ScriptedResponse(Array(whole.steps.dropLast()) + [.close])
        try await withHTTP(HTTPFixture([lacksLast])) { fixture in
            let response = try await fixture.engine.send(fixture.request())
            #expect(try await response.next()?.utf8Text == "onetwo")
            await expectFailure(.connectionLost) { _ = try await response.next() }
        }
    }

    @Test func anUnmarkedEndIsNoEnd() async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Connection", "close")])
        let script = ScriptedResponse([.send(head), .send(Bytes(utf8: "abc")), .close])
        try await withHTTP(HTTPFixture([script])) { fixture in
            await expectFailure(.connectionLost) { try await fixture.run(fixture.request()) }
        }
    }

    @Test(arguments: [ScriptedResponse.Step.close, .reset])
    func anEndBeforeTheHeadIsALostConnection(_ step: ScriptedResponse.Step) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse([step])])) { fixture in
            let failure = await expectFailure(.connectionLost) {
                try await fixture.run(fixture.request(.post))
            }
            #expect(failure?.mayHaveBeenSent == true)
        }
    }

    @Test func anEndWithinTheHeadIsNoResponse() async throws {
        let script = ScriptedResponse(text: "hello").cut(after: 20)
        try await withHTTP(HTTPFixture([script])) { fixture in
            await expectFailure(.connectionLost) { try await fixture.run(fixture.request()) }
        }
    }

    @Test func nobodyListens() async throws {
        let fixture = try HTTPFixture([ScriptedResponse(text: "")])
        let request = fixture.request()
        fixture.server.stop()
        try await withHTTP(fixture) { fixture in
            let failure = await expectFailure(.connect) { try await fixture.run(request) }
            #expect(failure?.mayHaveBeenSent == false)
            // Neither the port nor any other part of the URL.
            #expect(failure?.message.contains("\(fixture.server.port)") == false)
        }
    }

    @Test func theFirstByteIsAwaitedForALimitedTime() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse([.stall])])) { fixture in
            for method in [HTTPRequest.Method.get, .put] {
                let failure = await expectFailure(.firstByteTimeout) {
                    try await fixture.run(
                        fixture.request(method) {
                            $0.timeouts.firstByte = .milliseconds(150)
                            if method == .put { $0.body = .bytes([Bytes(utf8: "abc")]) }
                        })
                }
                #expect(failure?.mayHaveBeenSent == true)
            }
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    @Test func aStalledBodyIsNoticed() async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Content-Length", "1000000")])
        let script = ScriptedResponse([.send(head), .sendPattern(byteCount: 300_000), .stall])
        try await withHTTP(HTTPFixture([script])) { fixture in
            let response = try await fixture.engine.send(
                fixture.request { $0.timeouts.stall = .milliseconds(150) })
            var count = 0
            await expectFailure(.stalled) {
                while let piece = try await response.next() { count += piece.count }
            }
            #expect(count == 300_000)
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    /// The names of the cases are raw answers that are not HTTP, or more of it than anybody needs.
    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc Nope\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ])
    func whatIsNotHTTPFails(_ text: String) async throws {
        let script = ScriptedResponse([.send(Bytes(utf8: text)), .close])
        try await withHTTP(HTTPFixture([script])) { fixture in
            do throws(HTTPFailure) {
                try await fixture.run(fixture.request())
                Issue.record("\(text.debugDescription) passed")
            } catch {
                let kinds: [HTTPFailure.Kind] = [.malformedResponse, .connectionLost]
                #expect(kinds.contains(error.kind), "\(error)")
                #expect(error.mayHaveBeenSent)
            }
        }
    }

    @Test(arguments: ["fields", "bytes", "line", "provisional", "trailers"])
    func aHeadHasLimits(_ bomb: String) async throws {
        let field = "x-bomb: " + String(repeating: "a", count: 1000) + "\r\n"
        let text =
            switch bomb {
            case "fields": String(repeating: "x: y\r\n", count: 300)
            case "bytes": String(repeating: field, count: 70)
            case "line": "x-bomb: " + String(repeating: "a", count: 500_000) + "\r\n"
            case "provisional":
                String(repeating: "\r\nHTTP/1.1 103 Early\r\n" + field, count: 100)
            default:
                "Transfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: field, count: 200)
            }
        let line = bomb == "provisional" ? "HTTP/1.1 103 Early\r\n" : "HTTP/1.1 200 OK\r\n"
        let script = ScriptedResponse([
            .send(Bytes(utf8: line + text)), .send(Bytes(utf8: "\r\n")), .stall,
        ])
        try await withHTTP(HTTPFixture([script])) { fixture in
            await expectFailure(.malformedResponse) { try await fixture.run(fixture.request()) }
        }
    }

    @Test func fieldsUpToTheLimitAreTaken() async throws {
        let headers = (0..<255).map { ("x-\($0)", "y") }
        try await withHTTP(HTTPFixture([ScriptedResponse(headers: headers, text: "a")])) {
            fixture in
            let response = try await fixture.engine.send(fixture.request())
            #expect(response.headers.fields.count == 256)
        }
    }

    @Test(arguments: [
        "ftp://127.0.0.1/x", "http:///x", "http://user@127.0.0.1/", "http://127.0.0.1/a b",
        "http://127.0.0.1/a#b", "http://127.0.0.1/\u{e9}", "http://127.0.0.1/\r\nX: y", "",
    ])
    func aURLThatWouldBeChangedIsRefused(_ url: String) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            let failure = await expectFailure(.engine) {
                _ = try await fixture.engine.send(HTTPRequest(.get, url))
            }
            #expect(failure?.mayHaveBeenSent == false)
            #expect(fixture.server.counts.connections == 0)
        }
    }

    @Test(arguments: [
        ("x\r\ny", "z"), ("", "z"), ("x", "a\r\nb: c"), ("x", "a\u{0}"), ("x y", "z"),
    ])
    func aHeaderCannotSmuggleAnother(_ name: String, _ value: String) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            await expectFailure(.engine) {
                _ = try await fixture.engine.send(
                    fixture.request { $0.headers.append(name, value) })
            }
            #expect(fixture.server.counts.connections == 0)
        }
    }
}
