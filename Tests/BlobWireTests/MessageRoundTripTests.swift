import BlobCore
import Testing

@testable import BlobWire

/// Random messages of every kind survive encoding and decoding; damaged ones never trap.
@Suite struct MessageRoundTripTests {
    @Test("W-40, W-50: requests", arguments: UInt64(1)...40)
    func requests(seed: UInt64) throws {
        var generator = MessageGenerator(seed: seed)
        for operation in BlobOperation.allCases {
            let request = try generator.request(operation)
            #expect(request.operation == operation)
            let payload = try request.encodedPayload()
            #expect(try BlobRequest(payload: payload) == request, "seed \(seed)")
        }
    }

    @Test("W-62: responses", arguments: UInt64(1)...40)
    func responses(seed: UInt64) throws {
        var generator = MessageGenerator(seed: seed)
        for operation in BlobOperation.allCases {
            let response = try generator.response(operation)
            let payload = try response.encodedPayload()
            #expect(
                try BlobResponse(payload: payload, answering: operation) == response,
                "seed \(seed)")
            let failure = BlobResponse.failure(try generator.error())
            let encoded = try failure.encodedPayload()
            #expect(try BlobResponse(payload: encoded, answering: operation) == failure)
            #expect(try BlobResponse.trailerError(payload: encoded) != nil)
        }
    }

    @Test("W-41: what is cut off or damaged is refused, never a trap", arguments: UInt64(1)...30)
    func damage(seed: UInt64) throws {
        var generator = MessageGenerator(seed: seed)
        for operation in BlobOperation.allCases {
            let request = Array(try generator.request(operation).encodedPayload())
            let response = Array(try generator.response(operation).encodedPayload())
            for _ in 0..<20 {
                decode(generator.damaged(request), operation)
                decode(generator.damaged(response), operation)
                decode(generator.random.bytes(Int(generator.random.next() % 60)), operation)
            }
            for count in 0..<8 {
                #expect(
                    MessageEdgeTests.outcome(Bytes(Array(request.prefix(count))))
                        == .malformed(.badFrame))
            }
        }
    }

    private func decode(_ bytes: [UInt8], _ operation: BlobOperation) {
        let payload = Bytes(bytes)
        if let request = try? BlobRequest(payload: payload) {
            // What was accepted can be written again.
            #expect(throws: Never.self) { try request.encodedPayload() }
        }
        if let response = try? BlobResponse(payload: payload, answering: operation) {
            _ = try? response.encodedPayload()
        }
        _ = try? BlobResponse.trailerError(payload: payload)
        _ = try? RecordBody.uris(payload)
        _ = try? RecordBody.partNumbers(payload)
        _ = try? RecordBody.parts(payload)
        _ = try? RecordBody.urls(payload)
        _ = try? RecordBody.outcomes(payload)
        _ = try? RecordBody.listing(payload)
    }

    @Test("W-50: a time limit is rounded up and never becomes none")
    func timeLimits() throws {
        for (limit, expected) in [
            (Duration.nanoseconds(1), Duration.milliseconds(1)), (.zero, .milliseconds(1)),
            (.seconds(-5), .milliseconds(1)), (.milliseconds(1500), .milliseconds(1500)),
            (.seconds(1 << 40), .milliseconds(Int64(UInt32.max))),
        ] {
            let payload = try BlobRequest(.info, timeout: limit).encodedPayload()
            #expect(try BlobRequest(payload: payload).timeout == expected)
        }
        let unlimited = try BlobRequest(.info).encodedPayload()
        #expect(try BlobRequest(payload: unlimited).timeout == nil)
    }
}
