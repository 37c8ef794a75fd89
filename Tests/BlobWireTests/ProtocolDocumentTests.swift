import BlobCore
import Foundation
import Testing

@testable import BlobWire

/// protocol.md is the law: its examples, tables and rules are what the code does.
@Suite struct ProtocolDocumentTests {
    /// What the examples of the document show, from the codec.
    static func examples() throws -> [String: [UInt8]] {
        let uri = try BlobURI(parsing: "s3://bucket/key")
        func request(
            _ arguments: BlobRequest.Arguments, _ flags: FrameFlags, timeout: Duration? = nil
        ) throws -> [UInt8] {
            let payload = try BlobRequest(arguments, timeout: timeout).encodedPayload()
            return TestFrame(type: .request, streamID: 1, flags: flags, payload: Array(payload))
                .bytes
        }
        func response(_ response: BlobResponse, _ flags: FrameFlags) throws -> [UInt8] {
            let payload = try response.encodedPayload()
            return TestFrame(type: .response, streamID: 1, flags: flags, payload: Array(payload))
                .bytes
        }
        func data(_ payload: [UInt8], _ flags: FrameFlags) -> [UInt8] {
            TestFrame(type: .data, streamID: 1, flags: flags, payload: payload).bytes
        }
        var clientHello = HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 0)
        clientHello.agentName = "blobctl/0.1.0"
        var serverHello = HelloFrame(limits: ConnectionLimits(), maximumStreamCount: 256)
        serverHello.agentName = "blobrpcd/0.1.0"
        serverHello.instanceID = "5f3a"
        serverHello.operations = [1, 2, 17]
        serverHello.isReadOnly = true
        var failure = BlobError(.quotaExceeded, "slow down", origin: .policy)
        failure.retryAfter = .milliseconds(250)
        let get = GetOptions(
            ranges: [.bounded(start: 10, end: 20), .suffix(5)], ifMatch: "\"v1\"")
        let put = PutOptions(condition: .createOnly, contentType: "text/plain")
        let metadata = BlobMetadata(
            byteCount: 3, etag: "\"v1\"", lastModified: Timestamp(milliseconds: 1_763_838_000_000),
            contentType: "text/plain", userMetadata: ["owner": "me"])
        return [
            "hello-client": Preface.bytes + TestFrame.hello(clientHello).bytes,
            "hello-server": TestFrame.hello(serverHello).bytes,
            "request-head": try request(
                .head(uri, GetOptions()), [.end, .noData], timeout: .milliseconds(1500)),
            "request-get": try request(.get(uri, get), [.end, .noData]),
            "request-put": try request(.put(uri, put, bodyByteCount: 3), []),
            "response-head": try response(.metadata(metadata, ranges: []), [.end, .noData]),
            "response-failure": try response(.failure(failure), [.end, .noData]),
            "response-trailer": try response(.done, [.end, .trailer]),
            "data": data([0x61, 0x62, 0x63], []),
            "data-end": data([], .end),
            "data-offset": data(bigEndian(UInt64(4096)) + [0x61, 0x62, 0x63], .offset),
            "credit-connection": TestFrame.credit(0, 1 << 20).bytes,
            "credit-stream": TestFrame.credit(1, 1 << 20).bytes,
            "reset": TestFrame.reset(1).bytes,
            "stop": TestFrame.stop(1, .alreadyExists).bytes,
            "ping": TestFrame.ping(7).bytes,
            "pong": TestFrame.pong(7).bytes,
            "goaway-drain": goAway(.shuttingDown, 7, 30_000),
            "goaway-error": goAway(.creditViolation, 7, 0),
        ]
    }

    private static func goAway(
        _ code: BlobError.Code, _ last: UInt32, _ grace: UInt32
    ) -> [UInt8] {
        var frame = TestFrame.goAway(last, code)
        frame.payload.replaceSubrange(4..<8, with: bigEndian(grace))
        return frame.bytes
    }

    @Test("W-10: every example is exactly what the codec writes, and reads back the same")
    func examplesMatch() throws {
        let document = try ProtocolDocument()
        let expected = try Self.examples()
        #expect(document.examples.keys.sorted() == expected.keys.sorted())
        for (name, bytes) in expected.sorted(by: { $0.key < $1.key }) {
            let shown = document.examples[name] ?? []
            #expect(hex(shown) == hex(bytes), "\(name)")
            let frames = try receiveAll(shown, expectsPreface: name == "hello-client")
            #expect(frames.count == 1, "\(name)")
            let preface = name == "hello-client" ? Preface.bytes : []
            #expect(preface + frames.flatMap(\.bytes) == shown, "\(name)")
        }
    }

    @Test("The messages of the examples decode to what their text says")
    func examplesDecode() throws {
        let examples = try ProtocolDocument().examples
        func payload(_ name: String) throws -> Bytes {
            Bytes(try #require(try receiveAll(examples[name] ?? []).first).payload)
        }
        for name in ["request-head", "request-get", "request-put"] {
            let request = try BlobRequest(payload: try payload(name))
            #expect(try request.encodedPayload() == payload(name))
        }
        for name in ["response-head", "response-failure"] {
            let response = try BlobResponse(payload: try payload(name), answering: .head)
            #expect(try response.encodedPayload() == payload(name))
        }
        #expect(try BlobResponse.trailerError(payload: try payload("response-trailer")) == nil)
    }

    @Test("W-60, W-61: the error table has every code with its name and retry class")
    func errorTable() throws {
        let rows = try ProtocolDocument().errors
        let classes: [String: BlobError.RetryClass] = [
            "never": .never, "not started": .notStarted, "backoff": .backoff,
            "after delay": .afterDelay, "caller decides": .callerDecides,
        ]
        for row in rows {
            let code = BlobError.Code(rawValue: row.code)
            #expect(code.description == row.name)
            #expect(BlobError.Code.names[code] == row.name)
            #expect(code.defaultRetryClass == classes[row.retry], "\(row.name)")
        }
        #expect(Set(rows.map(\.code)) == Set(BlobError.Code.names.keys.map(\.rawValue)))
        #expect(rows.count == BlobError.Code.names.count)
        #expect(rows.map(\.code) == rows.map(\.code).sorted())
    }

    @Test("W-61: the operations that must not be repeated are those of the rule")
    func idempotency() {
        let others = BlobOperation.allCases.filter { !$0.isIdempotent }
        #expect(
            others == [
                .put, .copy, .createMultipartUpload, .completeMultipartUpload, .addListener,
                .removeListener,
            ])
    }

    @Test("Every operation of the code is in the table, with its number")
    func operations() throws {
        let text = try ProtocolDocument().text
        for operation in BlobOperation.allCases {
            #expect(text.contains("| \(operation.rawValue) | \(operation) |"))
        }
    }

    @Test("W-29: which operations have a body is said in one place and used everywhere")
    func bodies() {
        let withBody = BlobOperation.allCases.filter(\.hasRequestBody)
        #expect(
            withBody == [
                .put, .deleteMany, .uploadPart, .presignUploadParts, .completeMultipartUpload,
            ])
    }
}
