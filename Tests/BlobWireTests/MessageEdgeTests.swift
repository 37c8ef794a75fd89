import BlobCore
import Testing

@testable import BlobWire

/// Requests and responses that are almost right.
@Suite struct MessageEdgeTests {
    enum Outcome: Hashable { case accepted, refused(BlobError.Code), malformed(BlobError.Code) }

    static func outcome(_ payload: Bytes) -> Outcome {
        do throws(RequestRejection) {
            _ = try BlobRequest(payload: payload)
            return .accepted
        } catch {
            switch error {
            case .refused(let error): return .refused(error.code)
            case .malformed(let error): return .malformed(error.code)
            }
        }
    }

    static func request(
        _ operation: BlobOperation, _ fields: [(UInt16, [UInt8])]
    ) -> Bytes {
        var bytes = bigEndian(operation.rawValue) + [0, 0] + bigEndian(UInt32(0))
        for (tag, value) in fields {
            bytes += bigEndian(tag) + bigEndian(UInt16(value.count)) + value
        }
        return Bytes(bytes)
    }

    static let uri: (UInt16, [UInt8]) = (0x8001, Array("s3://b/k".utf8))

    static let cases: [(String, BlobOperation, [(UInt16, [UInt8])], Outcome)] = [
        ("W-40 plain", .head, [uri], .accepted),
        ("W-41 text is not UTF-8", .head, [(1, [0xFF])], .refused(.invalidArgument)),
        ("W-41 short number", .put, [uri, (10, [1])], .refused(.invalidArgument)),
        (
            "W-41 long number", .put, [uri, (10, bigEndian(UInt64(1)) + [0])],
            .refused(.invalidArgument)
        ),
        (
            "W-41 body beyond 2^63", .put, [uri, (10, bigEndian(UInt64(1) << 63))],
            .refused(.invalidArgument)
        ),
        (
            "W-41 part offset beyond 2^63", .uploadPart,
            [uri, (17, [65]), (18, bigEndian(UInt32(1))), (19, bigEndian(UInt64.max))],
            .refused(.invalidArgument)
        ),
        (
            "W-41 digest of 31 bytes", .put, [uri, (9, [UInt8](repeating: 0, count: 31))],
            .refused(.invalidArgument)
        ),
        (
            "W-42 long URI", .head,
            [(1, Array("file:///".utf8) + [UInt8](repeating: 65, count: 8192))],
            .refused(.invalidURI)
        ),
        (
            "W-43 unknown kind of range", .get, [uri, (2, [9] + [UInt8](repeating: 0, count: 16))],
            .refused(.invalidArgument)
        ),
        ("W-43 short range", .get, [uri, (2, [0])], .refused(.invalidArgument)),
        ("W-43 1024 ranges", .get, [uri] + ranges(1024), .accepted),
        ("W-43 1025 ranges", .get, [uri] + ranges(1025), .refused(.invalidArgument)),
        ("W-44 no entries", .list, [uri, (14, bigEndian(UInt32(0)))], .refused(.invalidArgument)),
        (
            "W-44 1001 entries", .list, [uri, (14, bigEndian(UInt32(1001)))],
            .refused(.invalidArgument)
        ),
        ("W-45 2048 bytes", .put, [uri, metadata("a", 2047)], .accepted),
        ("W-45 2049 bytes", .put, [uri, metadata("a", 2048)], .refused(.invalidArgument)),
        ("W-45 pair without a length", .put, [uri, (7, [0])], .refused(.invalidArgument)),
        (
            "W-45 name longer than the field", .put, [uri, (7, [0, 9, 65])],
            .refused(.invalidArgument)
        ),
        ("W-46 field twice", .head, [uri, uri], .refused(.invalidArgument)),
        (
            "W-46 name twice", .put, [uri, metadata("a", 1), metadata("a", 2)],
            .refused(.invalidArgument)
        ),
        ("W-47 unknown field", .head, [uri, (0x0FFF, [1, 2, 3])], .accepted),
        (
            "W-47 unknown critical field", .head, [uri, (0x8FFF, [])],
            .refused(.unsupportedOperation)
        ),
        (
            "W-47 critical field of another operation", .head, [uri, (0x8012, [0, 0, 0, 1])],
            .refused(.unsupportedOperation)
        ),
        ("W-48 no URI", .head, [], .refused(.invalidArgument)),
        ("W-48 no destination", .copy, [uri], .refused(.invalidArgument)),
        ("W-48 no validity", .presignGet, [uri], .refused(.invalidArgument)),
        ("W-48 no upload", .listParts, [uri], .refused(.invalidArgument)),
        ("unknown condition", .put, [uri, (5, [7])], .refused(.invalidArgument)),
        ("unknown scheme", .head, [(1, Array("ftp://a/b".utf8))], .refused(.unsupportedBackend)),
    ]

    static func ranges(_ count: Int) -> [(UInt16, [UInt8])] {
        (0..<count).map { _ in (2, [1] + [UInt8](repeating: 0, count: 16)) }
    }

    static func metadata(_ name: String, _ valueByteCount: Int) -> (UInt16, [UInt8]) {
        (
            7,
            bigEndian(UInt16(name.utf8.count)) + Array(name.utf8)
                + [UInt8](repeating: 66, count: valueByteCount)
        )
    }

    @Test("Requests are accepted, answered or end the connection", arguments: cases.indices)
    func requests(index: Int) {
        let (name, operation, fields, expected) = Self.cases[index]
        #expect(Self.outcome(Self.request(operation, fields)) == expected, "\(name)")
    }

    @Test("W-40: what cannot be cut into fields ends the connection")
    func malformed() {
        #expect(Self.outcome(Bytes([0, 1, 0])) == .malformed(.badFrame))
        let whole = Array(Self.request(.head, [Self.uri]))
        #expect(Self.outcome(Bytes(whole.dropLast())) == .malformed(.badFrame))
        #expect(Self.outcome(Bytes(whole + [0])) == .malformed(.badFrame))
        #expect(
            Self.outcome(Bytes([0xFF, 0xFF, 0, 0, 0, 0, 0, 0])) == .refused(.unsupportedOperation))
    }

    private func response(_ fields: [(UInt16, [UInt8])]) -> Bytes {
        var bytes: [UInt8] = [0, 0, 0, 0]
        for (tag, value) in fields {
            bytes += bigEndian(tag) + bigEndian(UInt16(value.count)) + value
        }
        return Bytes(bytes)
    }

    @Test("W-41, W-62: responses that would trap or deceive a client are refused")
    func responses() {
        let size: (UInt16, [UInt8]) = (70, bigEndian(UInt64(5)))
        let etag: (UInt16, [UInt8]) = (71, [65])
        let time: (UInt16, [UInt8]) = (72, bigEndian(UInt64(1)))
        func decode(_ extra: [(UInt16, [UInt8])], _ base: [(UInt16, [UInt8])]) -> BlobError.Code? {
            failure { _ = try BlobResponse(payload: response(base + extra), answering: .get) }
        }
        let base = [size, etag, time]
        let ends = { (start: UInt64, end: UInt64) in bigEndian(start) + bigEndian(end) }
        #expect(decode([], base) == nil)
        #expect(decode([(74, ends(0, 5))], base) == nil)
        #expect(decode([(74, ends(0, .max))], base) == .badFrame)
        #expect(decode([(74, ends(6, 5))], base) == .badFrame)
        #expect(decode([], [(70, bigEndian(UInt64.max)), etag, time]) == .badFrame)
        #expect(decode([], [(70, bigEndian(UInt64(5)) + [0]), etag, time]) == .badFrame)
        #expect(decode([], [size, etag]) == .badFrame)
        #expect(decode([(0x8FFF, [])], base) == .badFrame)
        #expect(decode([(0x0FFF, [])], base) == nil)
        #expect(decode([(75, [1])], base) == .badFrame)
    }

    @Test("W-62: a delay shorter than a second survives")
    func retryAfter() throws {
        for (delay, expected) in [(Duration.milliseconds(250), 250), (.microseconds(1), 1)] {
            var error = BlobError(.quotaExceeded, "slow down")
            error.retryAfter = delay
            let payload = try BlobResponse.failure(error).encodedPayload()
            guard case .failure(let decoded) = try BlobResponse(payload: payload, answering: .head)
            else {
                Issue.record("not a failure")
                return
            }
            #expect(decoded.retryAfter == .milliseconds(Int64(expected)))
        }
        #expect(Duration.seconds(Int64.max).wireMilliseconds == .max)
        #expect(Duration.seconds(-1).wireMilliseconds == 0)
    }
}
