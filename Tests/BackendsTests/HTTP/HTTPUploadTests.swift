import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

@Suite(.timeLimit(.minutes(10)))
struct HTTPUploadTests {
    private let body = Bytes((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })

    /// CM-15: too few, too many, or a failure at the very end: the server never has a whole request.
    @Test(arguments: [199_999, 200_001, 100, 64 << 10])
    func aSourceMustKeepItsWord(_ declared: Int) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "stored")])) { fixture in
            let failure = await expectFailure(.bodyLength) {
                try await fixture.run(
                    fixture.request(.put) {
                        $0.body = .stream(PieceSource(body), byteCount: UInt64(declared))
                    })
            }
            #expect(failure != nil)
            try await fixture.server.wait { $0.openConnections == 0 }
            #expect(fixture.server.counts.requests == 0)
        }
    }

    /// CM-15.
    @Test func anEmptyBodyThatIsNotEmptyIsNotSent() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "stored")])) { fixture in
            await expectFailure(.bodyLength) {
                try await fixture.run(
                    fixture.request(.put) { $0.body = .stream(PieceSource(body), byteCount: 0) })
            }
            #expect(fixture.server.counts.connections == 0)
            try await fixture.run(
                fixture.request(.put) { $0.body = .stream(PieceSource(Bytes()), byteCount: 0) })
            #expect(fixture.server.requests.first?["Content-Length"] == "0")
        }
    }

    /// CM-15, and CM-14: the store learns of the failed source by the broken connection.
    @Test func theSourcesErrorIsTheFailure() async throws {
        let error = BlobError(.checksumMismatch, "the bytes are not what was promised")
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "stored")])) { fixture in
            let isReleased = Event()
            await expectFailure(.body(error)) {
                let source = PieceSource(body, failure: error, isReleased: isReleased)
                try await fixture.run(
                    fixture.request(.put) {
                        $0.body = .stream(source, byteCount: UInt64(body.count))
                    })
            }
            try await isReleased.wait()
            try await fixture.server.wait { $0.openConnections == 0 }
            #expect(fixture.server.counts.requests == 0)
        }
    }

    @Test func aSourceThatWaitsHoldsTheTransfer() async throws {
        let gate = Event()
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "stored")])) { fixture in
            let request = fixture.request(.put) {
                $0.body = .stream(PieceSource(body, gate: gate), byteCount: UInt64(body.count))
            }
            async let answer = fixture.run(request)
            // All but the piece that is held back until the source has ended.
            let sent = body.count / (64 << 10) * (64 << 10)
            try await fixture.server.wait { $0.uploadedBytes == sent }
            gate.signal()
            #expect(try await answer.body.utf8Text == "stored")
            #expect(fixture.server.requests.first?.body == body)
        }
    }

    /// An answer before the body is sent is an answer. The variants are those that make libcurl
    /// behave differently: with and without a length, keeping and closing the connection.
    @Test(arguments: [false, true], ["length", "chunked", "close", "closeChunked"])
    func anEarlyRefusalIsDelivered(_ isStalledStream: Bool, _ variant: String) async throws {
        let headers = variant.hasPrefix("close") ? [("Connection", "close")] : []
        let answer =
            variant.lowercased().hasSuffix("chunked")
            ? ScriptedResponse(status: 403, headers: headers, chunks: [Bytes(utf8: "no")])
            : ScriptedResponse(status: 403, headers: headers, text: "no")
        let big = Bytes(capacity: 32 << 20) { target in
            target.initializeMemory(as: UInt8.self, repeating: 7)
            return target.count
        }
        let fixture = try HTTPFixture(early: { _ in answer.then(.stall) }) { _ in
            ScriptedResponse(text: "never")
        }
        try await withHTTP(fixture) { fixture in
            let request = fixture.request(.put) {
                $0.body =
                    isStalledStream
                    ? .stream(PieceSource(body, gate: Event()), byteCount: UInt64(body.count))
                    : .bytes([big])
            }
            let (status, text) = try await fixture.run(request)
            #expect(status == 403)
            #expect(text.utf8Text == "no")
            // The half-sent request must not be followed by another one on its connection.
            try await fixture.server.wait { $0.openConnections == 0 }
        }
    }

    /// The server that answers and hangs up resets the connection under the unread body.
    @Test func anEarlyRefusalSurvivesAReset() async throws {
        let answer = ScriptedResponse(status: 403, text: "no").then(.close)
        let big = Bytes(Array(repeating: 7, count: 8 << 20))
        let fixture = try HTTPFixture(early: { _ in answer }) { _ in ScriptedResponse() }
        try await withHTTP(fixture) { fixture in
            var lost = 0
            for _ in 0..<50 {
                do {
                    let request = fixture.request(.put) { $0.body = .bytes([big]) }
                    let status = try await fixture.run(request).status
                    #expect(status == 403)
                } catch let failure as HTTPFailure {
                    #expect(failure.kind == .connectionLost)
                    lost += 1
                }
            }
            #expect(lost == 0)
        }
    }

    /// S3-08.
    @Test func expectWaitsForTheServer() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "stored")])) { fixture in
            try await fixture.run(
                fixture.request(.put) {
                    $0.body = .bytes([body])
                    $0.expectsContinue = true
                })
            #expect(fixture.server.requests.first?["Expect"] == "100-continue")
            #expect(fixture.server.requests.first?.body == body)
        }
    }

    /// S3-08: a redirect or refusal comes instead of `100 Continue`, and no byte of the body is sent.
    @Test(arguments: [307, 403, 417])
    func expectSparesTheBody(_ status: Int) async throws {
        let fixture = try HTTPFixture(early: { _ in
            ScriptedResponse(status: status, text: "elsewhere").then(.stall)
        }) { _ in ScriptedResponse() }
        try await withHTTP(fixture) { fixture in
            let answer = try await fixture.run(
                fixture.request(.put) {
                    $0.body = .bytes([body])
                    $0.expectsContinue = true
                })
            #expect(answer.status == status)
            try await fixture.server.wait { $0.openConnections == 0 }
            #expect(fixture.server.counts.uploadedBytes == 0)
            #expect(fixture.server.counts.requests == 1)
        }
    }

    /// libcurl repeats a request by itself when a reused connection dies unanswered. Only what may
    /// be done twice without anybody noticing is left to that.
    @Test(arguments: ["GET", "PUT", "POST", "PUT if", "PUT stream"])
    func onlySafeRequestsAreReplayed(_ kind: String) async throws {
        let fixture = try HTTPFixture { request in
            request.index == 1 ? ScriptedResponse([.close]) : ScriptedResponse(text: "ok")
        }
        try await withHTTP(fixture) { fixture in
            try await fixture.run(fixture.request())
            let method = kind == "GET" ? HTTPRequest.Method.get : kind == "POST" ? .post : .put
            let request = fixture.request(method) {
                if kind == "PUT" || kind == "PUT if" { $0.body = .bytes([body]) }
                if kind == "PUT if" { $0.headers.append("If-None-Match", "*") }
                if kind == "PUT stream" {
                    $0.body = .stream(PieceSource(body), byteCount: UInt64(body.count))
                }
            }
            if kind == "GET" || kind == "PUT" {
                #expect(try await fixture.run(request).status == 200)
                #expect(
                    fixture.server.requests.map(\.body).last == (kind == "PUT" ? body : Bytes()))
            } else {
                let failure = await expectFailure(.connectionLost) {
                    try await fixture.run(request)
                }
                #expect(failure?.mayHaveBeenSent == true)
                #expect(fixture.server.counts.requests == 2)
            }
        }
    }
}
