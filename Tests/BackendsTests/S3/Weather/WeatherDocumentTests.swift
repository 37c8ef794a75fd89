import BlobCore
import TestKit
import Testing

@testable import Backends
@testable import CloudBackends

/// Answers in XML that are late, half, hostile or an error in the clothes of a success (CM-11,
/// S3-10, S3-12).
@Suite(.timeLimit(.minutes(10))) struct WeatherDocumentTests {
    /// An operation and the request of it whose success is a document.
    typealias Case = (operation: WeatherOperation, request: String)

    static let cases: [Case] = [
        (.putParts, "POST upload"), (.upload, "POST upload"), (.upload, "POST uploads"),
        (.copy, "PUT"), (.copyParts, "PUT part"), (.copyParts, "POST upload"),
        (.deleteMany, "POST delete"), (.list, "GET list"), (.listParts, "GET upload"),
    ]

    /// Runs the operation while the first answers to that request are other ones.
    private func run(
        _ tested: Case, times: Int = 1,
        answering answer: @escaping @Sendable (_ calm: () -> ScriptedResponse) -> ScriptedResponse,
        expecting error: BlobError.Code? = nil, askedTimes: Int, orphanCount: Int = 0
    ) async throws {
        let tally = Tally()
        try await withWeather { request, calm in
            guard request.summary == tested.request, tally.count() < times else { return calm() }
            return answer(calm)
        } body: { weather in
            tested.operation.prepare(weather)
            if let error {
                await expectError(error) { try await tested.operation.run(weather) }
            } else {
                try await tested.operation.run(weather, orphanCount: orphanCount)
            }
            #expect(weather.asked.filter { $0 == tested.request }.count == askedTimes)
        }
    }

    private static func late(_ code: String) -> ScriptedResponse {
        ScriptedResponse(text: "<?xml version=\"1.0\"?>\n<Error><Code>\(code)</Code></Error>")
    }

    @Test(arguments: cases, ["InternalError", "SlowDown", "NeverHeardOfIt"])
    func `S3-10 a success that holds a passing error is repeated`(
        tested: Case, code: String
    ) async throws {
        try await run(tested, answering: { _ in Self.late(code) }, askedTimes: 2)
    }

    @Test(arguments: cases)
    func `S3-10 a success that holds an error is that error`(tested: Case) async throws {
        try await run(
            tested, times: .max, answering: { _ in Self.late("AccessDenied") },
            expecting: .permissionDenied, askedTimes: 1)
        try await run(
            tested, times: .max, answering: { _ in Self.late("SlowDown") },
            expecting: .backendThrottled, askedTimes: 4)
    }

    @Test func `S3-10 a condition that fails late is that condition`() async throws {
        try await run(
            (.copyParts, "POST upload"), times: .max,
            answering: { _ in Self.late("PreconditionFailed") }, expecting: .alreadyExists,
            askedTimes: 1)
        try await run(
            (.copy, "PUT"), times: .max, answering: { _ in Self.late("PreconditionFailed") },
            expecting: .objectChanged, askedTimes: 1)
    }

    @Test(arguments: ["<Error>", "<Code>InternalError</Code>", "</Key><Error>"])
    func `S3-10 a key that looks like an error is a key`(key: String) async throws {
        let escaped = try #require(XMLText.escaped(key))
        try await withWeather { request, calm in
            switch request.summary {
            case "POST upload":
                _ = calm()
                return ScriptedResponse(
                    text: "<CompleteMultipartUploadResult><Key>\(escaped)</Key><ETag>\"e\"</ETag>"
                        + "</CompleteMultipartUploadResult>")
            case "POST delete":
                return ScriptedResponse(
                    text: "<DeleteResult><Deleted><Key>\(escaped)</Key></Deleted></DeleteResult>")
            default: return calm()
            }
        } body: { weather in
            let uri = weather.uri(key)
            let result = try await weather.backend.put(uri, WeatherOperation.large)
            #expect(result.etag == "\"e\"")
            let outcomes = try await weather.backend.delete([uri], options: CallOptions())
            #expect(throws: Never.self) { try outcomes[0].get() }
            #expect(weather.asked.filter { $0 == "POST upload" }.count == 1)
        }
    }

    @Test(arguments: cases, [0, 1, 20, -1])
    func `CM-11 half a document is asked for again`(tested: Case, byteCount: Int) async throws {
        // What was begun without our learning its name stays.
        let orphanCount = tested.request == "POST uploads" ? 1 : 0
        // A whole answer by its length.
        try await run(
            tested,
            answering: { calm in
                let answer = calm()
                let end = byteCount < 0 ? answer.bodyByteCount + byteCount : byteCount
                guard case .send(let bytes)? = answer.steps.first else { return answer }
                return ScriptedResponse(
                    body: bytes.dropFirst(answer.headByteCount).prefix(end))
            }, askedTimes: 2, orphanCount: orphanCount)
        // And one that is cut.
        try await run(
            tested, answering: { $0().cutBody(after: max(0, byteCount)) }, askedTimes: 2,
            orphanCount: orphanCount)
    }

    @Test(arguments: cases)
    func `S3-12 blanks before the document keep the connection alive`(tested: Case) async throws {
        // Each blank comes well within the time, all together do not. The time is one that a crowded
        // machine does not take between two of them.
        var settings = Weather.Settings()
        settings.timeouts = Weather.timeouts(.seconds(40))
        settings.timeouts.usual = settings.timeouts.long
        let tally = Tally()
        try await withWeather(settings) { request, calm in
            guard request.summary == tested.request, tally.count() == 0 else { return calm() }
            let answer = calm()
            guard case .send(let bytes)? = answer.steps.first else { return answer }
            let head = ScriptedResponse.head(200, [("Transfer-Encoding", "chunked")])
            var steps: [ScriptedResponse.Step] = [.send(head)]
            for number in 1...8 {
                steps.append(.send(ScriptedResponse.chunk(Bytes(utf8: " \r\n\t"))))
                steps.append(.wait(.happening(after: .seconds(6 * number))))
            }
            let body = bytes.dropFirst(answer.headByteCount)
            return ScriptedResponse(
                steps + [.send(ScriptedResponse.chunk(body)), .send(Bytes(utf8: "0\r\n\r\n"))])
        } body: { weather in
            tested.operation.prepare(weather)
            try await tested.operation.run(weather)
            #expect(weather.asked.sorted() == tested.operation.asked)
        }
    }

    @Test func `S3-12 a service that stops sending blanks is not waited for`() async throws {
        var settings = Weather.Settings()
        settings.timeouts = Weather.timeouts(.milliseconds(200))
        let tally = Tally()
        try await withWeather(settings) { request, calm in
            guard request.summary == "POST upload", tally.count() == 0 else { return calm() }
            return ScriptedResponse([
                .send(ScriptedResponse.head(200, [("Transfer-Encoding", "chunked")])),
                .send(ScriptedResponse.chunk(Bytes(utf8: " "))), .stall,
            ])
        } body: { weather in
            try await WeatherOperation.putParts.run(weather)
            #expect(weather.asked.filter { $0 == "POST upload" }.count >= 2)
        }
    }

    @Test(arguments: HostileDocument.allCases, cases)
    func `CM-11 hostile documents are errors`(
        hostile: HostileDocument, tested: Case
    ) async throws {
        let document = hostile.bytes
        let answer = ScriptedResponse(body: document)
        try await run(
            tested, times: .max, answering: { _ in answer }, expecting: .backendUnavailable,
            askedTimes: hostile.isRepeated ? 4 : 1)
    }

    @Test(arguments: HostileDocument.allCases, [403, 404, 500])
    func `CM-11 hostile reasons for a refusal are passed over`(
        hostile: HostileDocument, status: Int
    ) async throws {
        let answer = ScriptedResponse(status: status, body: hostile.bytes)
        try await withWeather { _, _ in
            answer
        } body: { weather in
            let expected: BlobError.Code =
                [403: .permissionDenied, 404: .notFound][status] ?? .backendUnavailable
            await expectError(expected) { try await WeatherOperation.read.run(weather) }
        }
    }
}

/// Documents that want to hurt whoever reads them.
enum HostileDocument: CaseIterable, Sendable {
    case entityBomb, externalEntity, documentType, manyElements, deepNesting, large, binary, html
    case otherRoot, manyAttributes

    /// What may be an accident comes again, perhaps whole.
    var isRepeated: Bool { self == .binary || self == .html }

    var bytes: Bytes {
        switch self {
        case .entityBomb: Self.manyEntities
        case .externalEntity:
            Bytes(
                utf8: "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
                    + "<ListBucketResult><Name>&x;</Name></ListBucketResult>")
        case .documentType: Bytes(utf8: "<!DOCTYPE ListBucketResult><ListBucketResult/>")
        case .manyElements: Self.inRoot(String(repeating: "<a/>", count: 200_000))
        case .deepNesting:
            Bytes(utf8: String(repeating: "<a>", count: 15_000))
        case .large: Self.inRoot(String(repeating: "x", count: 20 << 20))
        case .binary: Bytes((0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7) })
        case .html: Bytes(utf8: "<html><head><title>Sign in</title><br></head></html>")
        case .otherRoot: Bytes(utf8: "<ListAllMyBucketsResult/>")
        case .manyAttributes:
            Bytes(utf8: "<!DOCTYPE a><a " + (0..<20_000).map { "a\($0)=''" }.joined(separator: " "))
        }
    }

    private static let manyEntities: Bytes = {
        var text = "<!DOCTYPE r [<!ENTITY e0 \"boom\">"
        for level in 1..<30 {
            text += "<!ENTITY e\(level) \"\(String(repeating: "&e\(level - 1);", count: 10))\">"
        }
        return Bytes(utf8: text + "]><Error><Code>&e29;</Code></Error>")
    }()

    private static func inRoot(_ text: String) -> Bytes {
        Bytes(utf8: "<ListBucketResult>\(text)</ListBucketResult>")
    }
}
