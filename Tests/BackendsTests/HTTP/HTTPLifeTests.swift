import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Cancelling, closing and back-pressure: what is held, and what is let go.
@Suite(.timeLimit(.minutes(10)))
struct HTTPLifeTests {
    /// CM-14: the descriptor goes with the task, whichever way the task runs.
    @Test(arguments: [false, true])
    func cancellingSendClosesTheConnection(_ isOnLoop: Bool) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse([.stall])])) { fixture in
            let task = Task(executorPreference: isOnLoop ? fixture.loop : nil) {
                await expectFailure(.cancelled) { try await fixture.run(fixture.request()) }
            }
            try await fixture.server.wait { $0.requests == 1 }
            task.cancel()
            #expect(await task.value?.mayHaveBeenSent == true)
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    /// CM-14.
    @Test(arguments: [false, true])
    func cancellingNextClosesTheConnection(_ isOnLoop: Bool) async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Content-Length", "10")])
        let script = ScriptedResponse([.send(head), .send(Bytes(utf8: "abc")), .stall])
        try await withHTTP(HTTPFixture([script])) { fixture in
            let hasHead = Event()
            let task = Task(executorPreference: isOnLoop ? fixture.loop : nil) {
                await expectFailure(.cancelled) {
                    let response = try await fixture.engine.send(fixture.request())
                    hasHead.signal()
                    _ = try await response.next()
                }
            }
            try await hasHead.wait()
            task.cancel()
            #expect(await task.value != nil)
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await expectFailure(.cancelled) { try await fixture.run(fixture.request()) }
            }
            #expect(await task.value?.mayHaveBeenSent == false)
            await fixture.hop()
            #expect(fixture.server.counts.connections == 0)
        }
    }

    /// CM-14: a response that is dropped or given up leaves no connection to be used again.
    @Test(arguments: [false, true])
    func anUnreadBodyIsGivenUp(_ isCancelled: Bool) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(patternByteCount: 50 << 20)])) { fixture in
            var response: HTTPResponse? = try await fixture.engine.send(fixture.request())
            _ = try await response?.next()
            if isCancelled {
                response?.cancel()
                await expectFailure(.cancelled) { while try await response?.next() != nil {} }
            }
            response = nil
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    @Test func theWindowBoundsWhatIsHeld() async throws {
        let byteCount = 64 << 20
        try await withHTTP(HTTPFixture([ScriptedResponse(patternByteCount: byteCount)])) {
            fixture in
            let request = fixture.request {
                $0.receiveWindow = HTTPReceiveWindow(pieceByteCount: 64 << 10, byteCount: 256 << 10)
            }
            let response = try await fixture.engine.send(request)
            // The server cannot go on, so the kernel's buffers are full: each turn of the loop
            // would read more, if it were not for the window.
            try await fixture.server.isBlocked.wait()
            for _ in 0..<50 { await fixture.hop() }
            let bound = 256 << 10 + 64 << 10
            #expect(response.waitingByteCount >= 256 << 10)
            var received = 0
            while let piece = try await response.next() {
                #expect(response.waitingByteCount <= bound)
                #expect(piece.first == ScriptedResponse.patternByte(at: received))
                received += piece.count
                // Gives the transfer the time to fill the window again.
                if received % (8 << 20) < 64 << 10 { await fixture.hop() }
            }
            #expect(received == byteCount)
            // Paused and resumed, and yet the connection is as good as new.
            _ = try await fixture.engine.send(fixture.request(.head))
            #expect(fixture.server.counts.connections == 1)
        }
    }

    @Test func closeEndsWhatRuns() async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Content-Length", "10")])
        let fixture = try HTTPFixture { request in
            request.path == "/head"
                ? ScriptedResponse([.stall]) : ScriptedResponse([.send(head), .stall])
        }
        try await withHTTP(fixture) { fixture in
            let body = try await fixture.engine.send(fixture.request(.get, "/body"))
            async let next = expectFailure(.shutDown) { _ = try await body.next() }
            async let sent = expectFailure(.shutDown) {
                try await fixture.run(fixture.request(.get, "/head"))
            }
            let isReleased = Event()
            async let upload = expectFailure(.shutDown) {
                let source = PieceSource(
                    Bytes(utf8: "abc"), gate: Event(), isReleased: isReleased)
                try await fixture.run(
                    fixture.request(.put, "/put") { $0.body = .stream(source, byteCount: 3) })
            }
            try await fixture.server.wait { $0.requests == 2 && $0.connections == 3 }
            fixture.engine.close()
            #expect(await next?.mayHaveBeenSent == true)
            #expect(await sent?.mayHaveBeenSent == true)
            #expect(await upload != nil)
            try await isReleased.wait()
            try await fixture.server.wait { $0.openConnections == 0 }
            let late = await expectFailure(.shutDown) { try await fixture.run(fixture.request()) }
            #expect(late?.mayHaveBeenSent == false)
            fixture.engine.close()
        }
    }

    @Test func theEndOfTheLoopEndsTheEngine() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse([.stall])])) { fixture in
            async let sent = expectFailure(.shutDown) { try await fixture.run(fixture.request()) }
            try await fixture.server.wait { $0.requests == 1 }
            fixture.loop.shutdownAndWait()
            #expect(await sent != nil)
            try await fixture.server.wait { $0.openConnections == 0 }
            await expectFailure(.shutDown) { try await fixture.run(fixture.request()) }
        }
    }

    @Test func anEngineThatNobodyClosesLeavesNothing() async throws {
        let server = try ScriptedHTTPServer([ScriptedResponse(text: "hello")])
        defer { server.stop() }
        let loop = try EventLoop(name: "test-http")
        var engine: HTTPEngine? = try HTTPEngine(loop: loop, settings: HTTPFixture.settings())
        let response = try await engine?.send(HTTPFixture.request(url: server.url()))
        #expect(try await response?.collect(maximumByteCount: 10).count == 5)
        #expect(server.counts.openConnections == 1)
        engine = nil
        try await server.wait { $0.openConnections == 0 }
        loop.shutdownAndWait()
    }
}
