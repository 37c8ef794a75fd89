import BlobCore
import LinuxIO
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

@Suite(.timeLimit(.minutes(10)))
struct HTTPExchangeTests {
    @Test func aBodyComesWithItsHead() async throws {
        try await withHTTP(
            HTTPFixture([ScriptedResponse(headers: [("ETag", "\"a\"")], text: "hello")])
        ) {
            let response = try await $0.engine.send($0.request(.get, "/x"))
            #expect(response.status == 200)
            #expect(response.headers["etag"] == "\"a\"")
            #expect(try await response.collect(maximumByteCount: 100).utf8Text == "hello")
            #expect(try await response.next() == nil)
        }
    }

    @Test func aConnectionIsUsedAgain() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "hello")])) { fixture in
            for _ in 0..<20 { try await fixture.run(fixture.request()) }
            #expect(fixture.server.counts.connections == 1)
            #expect(fixture.server.counts.requests == 20)
        }
    }

    /// S3-02: what was signed is what is sent, whatever a URL library thinks of it.
    @Test(arguments: [
        "/bucket/a/../b", "/bucket/./a//b", "/b/%2e%2E/%2F?x=%20&y=a%2Bb+c", "/b/..", "/b/a?",
        "/b/a?list-type=2&prefix=a/../b", "/b/~*'()!",
    ])
    func thePathGoesOutAsItIs(_ target: String) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            try await fixture.run(fixture.request(.get, target))
            #expect(fixture.server.requests.first?.target == target)
        }
    }

    /// S3-02: the whole head, byte for byte, so that nothing is added unnoticed.
    @Test func theHeadIsWhatWasAskedFor() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            let request = fixture.request(.put, "/k") {
                $0.headers.append("Host", "bucket.example")
                $0.headers.append("x-amz-meta-a", "b  c")
                $0.headers.append("x-empty", "")
                $0.body = .bytes([Bytes(utf8: "ab"), Bytes(), Bytes(utf8: "c")])
            }
            try await fixture.run(request)
            #expect(
                fixture.server.requests.first?.rawHead == """
                    PUT /k HTTP/1.1\r
                    Host: bucket.example\r
                    User-Agent: blobrpc/0.1\r
                    x-amz-meta-a: b  c\r
                    x-empty:\r
                    Content-Length: 3\r
                    \r

                    """)
            #expect(fixture.server.requests.first?.body == Bytes(utf8: "abc"))
        }
    }

    /// CM-10.
    @Test func aRedirectIsGivenToTheCaller() async throws {
        let redirect = ScriptedResponse(status: 307, headers: [("Location", "http://127.0.0.1:1/")])
        try await withHTTP(HTTPFixture([redirect])) { fixture in
            let response = try await fixture.engine.send(
                fixture.request { $0.headers.append("Authorization", "secret") })
            #expect(response.status == 307)
            #expect(response.headers["location"] == "http://127.0.0.1:1/")
            #expect(fixture.server.counts.requests == 1)
        }
    }

    @Test(arguments: [HTTPRequest.Method.put, .post])
    func anEmptyBodyHasALength(_ method: HTTPRequest.Method) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "")])) { fixture in
            try await fixture.run(fixture.request(method))
            #expect(fixture.server.requests.first?["Content-Length"] == "0")
            #expect(fixture.server.requests.first?["Transfer-Encoding"] == nil)
        }
    }

    @Test func headAndDeleteHaveNoBody() async throws {
        let head = ScriptedResponse.head(status: 200, headers: [("Content-Length", "12345")])
        let empty = ScriptedResponse([.send(ScriptedResponse.head(status: 204, headers: []))])
        try await withHTTP(HTTPFixture([ScriptedResponse([.send(head)]), empty])) { fixture in
            let response = try await fixture.engine.send(fixture.request(.head))
            #expect(response.headers["Content-Length"] == "12345")
            #expect(try await response.next() == nil)
            #expect(try await fixture.run(fixture.request(.delete)).status == 204)
            #expect(fixture.server.requests.map(\.method) == ["HEAD", "DELETE"])
            #expect(fixture.server.counts.connections == 1)
        }
    }

    @Test(arguments: [0, 1, 65_535, 262_144, 262_145, 5_000_000])
    func aBodyOfAnySizeComesWhole(_ byteCount: Int) async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(patternByteCount: byteCount)])) {
            fixture in
            let (status, body) = try await fixture.run(fixture.request())
            #expect(status == 200)
            #expect(body.count == byteCount)
            #expect(isPattern(body))
        }
    }

    @Test func chunksAreJoined() async throws {
        let chunks = [Bytes(utf8: "one "), Bytes(utf8: "two "), Bytes(utf8: "three")]
        try await withHTTP(HTTPFixture([ScriptedResponse(chunks: chunks)])) { fixture in
            for _ in 0..<2 {
                let body = try await fixture.run(fixture.request()).body
                #expect(body.utf8Text == "one two three")
            }
            #expect(fixture.server.counts.connections == 1)
        }
    }

    @Test(arguments: [1, 700, 3_000_000])
    func bytesAndStreamsAreUploaded(_ byteCount: Int) async throws {
        let body = Bytes((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try await withHTTP(HTTPFixture([ScriptedResponse(text: "done")])) { fixture in
            let half = byteCount / 2
            try await fixture.run(
                fixture.request(.put) {
                    $0.body = .bytes([body.prefix(half), body.dropFirst(half)])
                })
            try await fixture.run(
                fixture.request(.put) {
                    let source = PieceSource(body, pieceByteCount: 100_000)
                    $0.body = .stream(source, byteCount: UInt64(byteCount))
                })
            for request in fixture.server.requests {
                #expect(request["Content-Length"] == "\(byteCount)")
                #expect(request["Expect"] == nil)
                #expect(request.body == body)
            }
            #expect(fixture.server.counts.requests == 2)
        }
    }

    @Test func oneResponseIsNotTooLarge() async throws {
        try await withHTTP(HTTPFixture([ScriptedResponse(patternByteCount: 1000)])) { fixture in
            let response = try await fixture.engine.send(fixture.request())
            #expect(try await response.collect(maximumByteCount: 1000).count == 1000)
            await expectFailure(.responseTooLarge) {
                let response = try await fixture.engine.send(fixture.request())
                _ = try await response.collect(maximumByteCount: 999)
            }
        }
    }

    @Test func provisionalHeadsAreSkipped() async throws {
        let provisional = Bytes(utf8: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        let response = ScriptedResponse([.send(provisional)] + ScriptedResponse(text: "x").steps)
        try await withHTTP(HTTPFixture([response])) { fixture in
            let response = try await fixture.engine.send(fixture.request())
            #expect(response.status == 200)
            #expect(response.headers["Link"] == nil)
        }
    }
}

func isPattern(_ bytes: Bytes) -> Bool {
    bytes.withUnsafeBytes { bytes in
        bytes.indices.allSatisfy { bytes[$0] == ScriptedResponse.patternByte(at: $0) }
    }
}
