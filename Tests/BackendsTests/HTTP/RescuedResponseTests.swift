import BlobCore
import Testing

@testable import CloudBackends

@Suite struct RescuedResponseTests {
    private func response(_ text: String) -> RescuedResponse? {
        RescuedResponse(bytes: Bytes(utf8: text))
    }

    @Test func aRefusalIsUnderstood() {
        let rescued = response(
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nX-A: b\r\n\r\nno!rest")
        #expect(rescued?.head.status == 403)
        #expect(rescued?.head.headers["x-a"] == "b")
        #expect(rescued?.body.utf8Text == "no!")
    }

    @Test func provisionalHeadsAreSkipped() {
        let rescued = response(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Slow\r\nContent-Length: 9\r\n\r\nno")
        #expect(rescued?.head.status == 503)
        #expect(rescued?.body.utf8Text == "no")
    }

    @Test(arguments: [
        ("2\r\nno\r\n4;x=y\r\n way\r\n0\r\n\r\n", "no way"), ("2\r\nno\r\n5\r\nway", "no"),
        ("zz\r\nno", ""), ("-2\r\nno", ""), ("ffffffffffffffffff\r\nno", ""), ("", ""),
    ])
    func chunksAreJoined(_ chunks: String, _ expected: String) {
        let rescued = response(
            "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
        #expect(rescued?.head.status == 403)
        #expect(rescued?.body.utf8Text == expected)
    }

    @Test(arguments: [
        "", "H", "HTTP/1.1 403 Forbidden\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 4x3 No\r\n\r\n", "HTTP/1.1 -99 No\r\n\r\n", "HTTP/2 403 No\r\n\r\n\r\n\r\n\r\n",
        "\r\n\r\n", "HTTP/1.1 403 No\r\nno colon\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
    ])
    func whatIsNoRefusalIsNone(_ text: String) {
        #expect(response(text) == nil)
    }

    @Test func aStrangeLengthTakesNothing() {
        #expect(response("HTTP/1.1 403 No\r\nContent-Length: -3\r\n\r\nno")?.body.isEmpty == true)
        let rescued = response("HTTP/1.1 403 No\r\nContent-Length: x\r\n\r\nno")
        #expect(rescued?.body.utf8Text == "no")
    }
}
