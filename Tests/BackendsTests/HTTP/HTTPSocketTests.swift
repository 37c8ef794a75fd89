import BlobCore
import Glibc
import TestKit
import Testing

@testable import CloudBackends

/// What becomes of sockets behind the engine's back, and of what comes over them unasked.
@Suite(.timeLimit(.minutes(10)))
struct HTTPSocketTests {
    @Test(arguments: [false, true])
    func bytesAfterAnAnswerAreNotTheNextAnswer(_ isUpload: Bool) async throws {
        let hasAnswer = Event()
        let isSent = Event()
        let stray = Bytes(utf8: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")
        let fixture = try HTTPFixture { request in
            request.path == "/first"
                ? ScriptedResponse(
                    ScriptedResponse(text: "first").steps
                        + [.wait(hasAnswer), .send(stray), .signal(isSent)])
                : ScriptedResponse(text: "second")
        }
        try await withHTTP(fixture) { fixture in
            let first = try await fixture.run(fixture.request(.get, "/first"))
            #expect(first.body.utf8Text == "first")
            hasAnswer.signal()
            try await isSent.wait()
            var request = fixture.request(isUpload ? .put : .get, "/second")
            // A stream can be sent only once: the engine itself has to take another connection.
            if isUpload {
                request.body = .stream(
                    PieceSource(Bytes(utf8: "12345"), pieceByteCount: 2), byteCount: 5)
            }
            #expect(try await fixture.run(request).body.utf8Text == "second")
            #expect(fixture.server.counts.connections == 2)
            #expect(fixture.server.counts.requests == 2)
            #expect(fixture.server.counts.uploadedBytes == (isUpload ? 5 : 0))
        }
    }

    /// libcurl tells about a socket that never got connected when it is closed already: that must not
    /// trap, nor leave a watch behind under a number that the next socket gets.
    @Test func anExchangeCanBeCancelledWhileItConnects() async throws {
        let server = try ScriptedHTTPServer([ScriptedResponse(text: "ok")])
        defer { server.stop() }
        let deaf = try DeafListener(port: server.port)
        try await withHTTP(HTTPFixture([])) { fixture in
            for _ in 0..<10 {
                let run = Task(executorPreference: fixture.loop) {
                    await expectFailure(.cancelled) {
                        try await fixture.run(HTTPFixture.request(url: deaf.url))
                    }
                }
                // The first turn of the loop after the task has begun ends with the call of connect.
                for _ in 0..<3 { await fixture.hop() }
                run.cancel()
                #expect(await run.value?.mayHaveBeenSent == false)
                let next = try await fixture.run(HTTPFixture.request(url: server.url()))
                #expect(next.body.utf8Text == "ok")
            }
        }
    }
}

private struct DeafListenerError: Error {
    let code: Int32
}

/// A port that neither accepts nor refuses: its queue is full, and the kernel drops who knocks.
private final class DeafListener: Sendable {
    static let address = "127.0.0.2"
    let url: String
    private let listener: Int32
    private let filler: Int32

    init(port: UInt16) throws {
        url = "http://\(Self.address):\(port)/"
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr(Self.address)
        address.sin_port = port.bigEndian
        let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        listener = socket(AF_INET, stream, 0)
        filler = socket(AF_INET, stream, 0)
        let isReady = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let length = socklen_t(MemoryLayout<sockaddr_in>.size)
                return bind(listener, address, length) == 0 && listen(listener, 0) == 0
                    && connect(filler, address, length) == 0
            }
        }
        guard isReady else { throw DeafListenerError(code: errno) }
    }

    deinit {
        close(listener)
        close(filler)
    }
}
